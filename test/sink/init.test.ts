import { execFile, spawnSync } from "node:child_process"
import { promisify } from "node:util"
import { describe, expect, test } from "vitest"
import type { EventShape } from "../../src/decode/event-shape.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { type InitOptions, initDatabase, initSql } from "../../src/sink/init.ts"
import { ROLES } from "../../src/sink/roles.ts"
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../database.ts"
import { field, LOGIN } from "../shape.ts"
import { batch, openSink, row, rows } from "./setup.ts"

const PLAIN: InitOptions = { partitioned: null }
const PARTITIONED: InitOptions = { partitioned: "month" }

/** As the exercise that this grew out of creates it. */
const ORIGINAL = `create table user_logins(
  user_id varchar(128), device_type varchar(32), masked_ip varchar(256), masked_device_id varchar(256),
  locale varchar(32), app_version integer, create_date date)`

async function init(
  { address }: Pick<TestDatabase, "address">,
  shape: EventShape = LOGIN,
  options: InitOptions = PLAIN,
): Promise<Record<string, string>> {
  const db = await openDatabase(address, { poolSize: 2 })
  try {
    const steps = await initDatabase(db, shape, options)
    return Object.fromEntries(steps.map(({ object, outcome }) => [object, outcome]))
  } finally {
    await db.destroy()
  }
}

/** Tables, columns, indexes, partitions and rights of everything of ours, as text. */
async function describeDatabase(database: TestDatabase): Promise<unknown[]> {
  const ours = "n.nspname in ('peppermill', 'vault', 'public')"
  return Promise.all([
    database.query(`select c.oid::regclass::text as name, c.relkind, c.relacl::text,
        pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace where ${ours} order by 1`),
    database.query(`select a.attrelid::regclass::text as name, attname, format_type(atttypid, atttypmod), attnotnull
      from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
      where ${ours} and attnum > 0 order by 1, attnum`),
    database.query(
      `select indexdef from pg_indexes where schemaname in ('peppermill', 'vault', 'public') order by 1`,
    ),
    database.query(`select p.oid::regprocedure::text as name, prosecdef, proconfig::text, proacl::text
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${ours} order by 1`),
    database.query(`select nspname, nspacl::text from pg_namespace n where ${ours} order by 1`),
    database.query("select name from peppermill.migrations order by 1"),
  ])
}

describe("init", () => {
  test("creates exactly the original seven columns, and nothing in the table that is ours but indexes", async () => {
    await using database = await createEmptyDatabase()
    await using original = await createEmptyDatabase()
    await original.query(ORIGINAL)
    expect((await init(database))["table public.user_logins"]).toBe("created")
    const columns = `select column_name, data_type, character_maximum_length, is_nullable, column_default
      from information_schema.columns where table_name = 'user_logins' order by ordinal_position`
    expect(await database.query(columns)).toEqual(await original.query(columns))
    expect(
      await database.query("select indexdef from pg_indexes where tablename = 'user_logins' order by 1"),
    ).toEqual(
      [
        "create_date_idx brin create_date",
        "masked_device_id_idx btree masked_device_id",
        "masked_ip_idx btree masked_ip",
        "user_id_idx btree user_id",
      ].map((text) => {
        const [name, method, column] = text.split(" ")
        const indexdef = `CREATE INDEX user_logins_${name} ON public.user_logins USING ${method} (${column})`
        return { indexdef }
      }),
    )
  })

  test("run again finds everything and changes nothing", async () => {
    await using database = await createEmptyDatabase()
    const first = await init(database)
    const before = await describeDatabase(database)
    const second = await init(database)
    expect(new Set(Object.values(second))).toEqual(new Set(["exists"]))
    expect(Object.keys(second)).toEqual(Object.keys(first))
    expect(await describeDatabase(database)).toEqual(before)
  })

  test("run by many at once does the work once", async () => {
    await using one = await createEmptyDatabase()
    await using two = await createEmptyDatabase()
    const all = await Promise.all([one, one, one, two, two].map((database) => init(database)))
    expect(all.filter((steps) => steps["table peppermill.ledger"] === "created")).toHaveLength(2)
    expect(await describeDatabase(one)).toEqual(await describeDatabase(two))
  })

  test("adopts the original table with its rows", async () => {
    await using database = await createEmptyDatabase()
    await database.query(
      `${ORIGINAL}; insert into user_logins (user_id) values ('before'); create index on user_logins (user_id)`,
    )
    const steps = await init(database)
    expect(steps["table public.user_logins"]).toBe("adopted")
    expect(steps["index user_logins_user_id_idx"]).toBe("exists")
    expect(steps["index user_logins_masked_ip_idx"]).toBe("created")
    await using s = await openSink(database)
    await s.sink.check()
    await s.write(batch(rows(2)))
    expect(await database.query("select from user_logins")).toHaveLength(3)
  })

  test("creates a table without a date column, and gives nobody a right on a schema that is not ours", async () => {
    await using database = await createEmptyDatabase()
    const rights = "select nspacl::text from pg_namespace where nspname = 'public'"
    const before = await database.query(rights)
    const steps = await init(database, { ...LOGIN, sentDate: null })
    expect(steps["table public.user_logins"]).toBe("created")
    expect(steps["index user_logins_create_date_idx"]).toBeUndefined()
    expect(await database.query(rights)).toEqual(before)
  })

  test("creates group roles that cannot log in and own nothing", async () => {
    await using database = await createDatabase()
    const roles = await database.query(
      "select rolname, rolcanlogin, rolsuper, rolcreaterole, rolbypassrls from pg_roles where rolname = any ($1) order by 1",
      [[...ROLES]],
    )
    const none = { rolcanlogin: false, rolsuper: false, rolcreaterole: false, rolbypassrls: false }
    expect(roles).toEqual([...ROLES].sort().map((rolname) => ({ rolname, ...none })))
    const owned = await database.query(
      `select from pg_class where relowner in (select oid from pg_roles where rolname = any ($1))`,
      [[...ROLES]],
    )
    expect(owned).toEqual([])
  })

  test("gives an analyst the event table and nothing else of ours, and a writer no way to read or change it", async () => {
    await using database = await createDatabase()
    const may = async (role: string, statement: string) => {
      await database.query(`set role ${role}; ${statement}`)
    }
    await may("peppermill_analyst", "select * from user_logins")
    await may("peppermill_writer", "insert into user_logins (user_id) values ('a')")
    await may("peppermill_writer", "select peppermill.prune_ledger(15, 10)")
    for (const [role, statement] of [
      ["peppermill_analyst", "select * from peppermill.ledger"],
      ["peppermill_analyst", "insert into user_logins (user_id) values ('a')"],
      ["peppermill_analyst", "select peppermill.prune_ledger(15, 10)"],
      ["peppermill_writer", "select * from user_logins"],
      ["peppermill_writer", "update user_logins set user_id = 'b'"],
      ["peppermill_writer", "delete from user_logins"],
      ["peppermill_writer", "truncate user_logins"],
      ["peppermill_writer", "delete from peppermill.ledger"],
      ["peppermill_writer", "update peppermill.mask_keys set check_value = ''"],
    ] as const) {
      await expect(may(role, statement), `${role}: ${statement}`).rejects.toMatchObject({ code: "42501" })
    }
  })

  test("leaves nothing behind when the table does not fit", async () => {
    await using database = await createEmptyDatabase()
    await database.query("create table user_logins (user_id varchar(128), hashed_ip varchar(256))")
    await expect(init(database)).rejects.toMatchObject({
      kind: "config",
      message: expect.stringContaining("the column masked_ip is called hashed_ip"),
      hint: expect.stringContaining("alter table"),
    })
    expect(await database.query("select from pg_namespace where nspname = 'peppermill'")).toEqual([])
    expect(await database.query("select from pg_indexes where tablename = 'user_logins'")).toEqual([])
  })

  test("asks first whether the server can keep what is promised", async () => {
    await using database = await createEmptyDatabase()
    await database.query(`alter database ${database.address.database} set synchronous_commit = off`)
    await expect(init(database)).rejects.toThrow("synchronous_commit is off")
  })

  test("says in one line what a user without rights lacks", async () => {
    await using database = await createEmptyDatabase()
    const error = await init(await database.login()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: "UserError", kind: "permission" })
    expect(String(error)).not.toContain("\n")
  })

  test("creates a table of another shape, in another schema, with names that need quotes", async () => {
    await using database = await createEmptyDatabase()
    const shape: EventShape = {
      table: 'Über\'logs.a "b" %s',
      subject: "who",
      fields: [field("who", { column: "select" }), field("secret", { mask: true, column: "it's" })],
      sentDate: "on",
    }
    for (const outcome of ["created", "exists"]) {
      const steps = await init(database, shape, PARTITIONED)
      expect(steps['table Über\'logs.a "b" %s']).toBe(outcome)
    }
    await using s = await openSink(await database.login("peppermill_writer"), { shape })
    await s.sink.check()
    expect((await s.write(batch([row(0, { plain: ["u"], tokens: [null] })]))).stored).toBe(1)
  })

  test("lets no locale decide how the vault finds a person or a token", async () => {
    await using database = await createDatabase()
    const byLocale = await database.query(
      `select i.indexrelid::regclass::text as index, a.attname as column
      from pg_index i cross join unnest(i.indkey::smallint[], i.indcollation::oid[]) as key (number, sorted_by)
        join pg_attribute a on a.attrelid = i.indrelid and a.attnum = key.number
      where i.indrelid in ('vault.originals'::regclass, 'vault.released'::regclass, 'vault.rekeyed'::regclass)
        and key.sorted_by not in (0, '"C"'::regcollation)`,
    )
    expect(byLocale).toEqual([])
  })
})

describe("a partitioned table", () => {
  test("has a partition for last month, this one and the coming year, and one for everything else", async () => {
    await using database = await createEmptyDatabase()
    const steps = await init(database, LOGIN, PARTITIONED)
    const partitions = Object.keys(steps).filter((object) => object.startsWith("partition "))
    expect(partitions).toHaveLength(15)
    const [{ month = "" } = {}] = await database.query<{ month: string }>(
      "select to_char(now() at time zone 'utc', 'YYYY_MM') as month",
    )
    expect(partitions).toContain(`partition user_logins_${month}`)
    await using s = await openSink(database)
    await s.sink.check()
    const given = [row(0, { sentAtMs: Date.now() }), row(1, { sentAtMs: Date.UTC(2020, 0, 1) })]
    expect((await s.write(batch(given))).stored).toBe(2)
    expect(
      await database.query("select tableoid::regclass::text as part from user_logins order by 1"),
    ).toEqual([{ part: `user_logins_${month}` }, { part: "user_logins_default" }])
  })

  test("gets the months that are due when init runs again, with the rows that waited for them", async () => {
    await using database = await createEmptyDatabase()
    await init(database, LOGIN, PARTITIONED)
    const [{ part = "", day = "" } = {}] = await database.query<{ part: string; day: string }>(
      `select 'user_logins_' || to_char(next, 'YYYY_MM') as part, next::date::text as day
       from (select date_trunc('month', now() at time zone 'utc') + interval '3 months' as next) as n`,
    )
    await database.query(
      `drop table ${part}; insert into user_logins (user_id, create_date) values ('early', '${day}'), ('other', '1999-01-01')`,
    )
    const steps = await init(database)
    expect(steps[`partition ${part}`]).toBe("created")
    expect(steps["table public.user_logins"]).toBe("exists")
    expect(Object.values(steps).filter((outcome) => outcome === "created")).toHaveLength(1)
    expect(await database.query(`select user_id from ${part}`)).toEqual([{ user_id: "early" }])
    expect(await database.query("select user_id from user_logins_default")).toEqual([{ user_id: "other" }])
    const indexes = await database.query("select from pg_indexes where tablename = $1", [part])
    expect(indexes).toHaveLength(4)
  })

  test.each([
    ["week", 7, 29],
    ["day", 1, 63],
  ] as const)("by the %s keeps its width, whatever later runs leave out", async (width, days, parts) => {
    await using database = await createEmptyDatabase()
    // A partition's bounds are told as the session writes dates.
    await database.query(`do $$ begin
      execute format('alter database %I set datestyle to ''SQL, DMY''', current_database());
    end $$`)
    const steps = await init(database, LOGIN, { partitioned: width })
    expect(Object.keys(steps).filter((object) => object.startsWith("partition "))).toHaveLength(parts)
    const [{ part = "", day = "" } = {}] = await database.query<{ part: string; day: string }>(
      `select 'user_logins_' || to_char(first, 'YYYY_MM_DD') as part, to_char(first + interval '${days - 1} days', 'YYYY-MM-DD') as day
      from (select date_trunc('${width}', now() at time zone 'utc') as first) as present`,
    )
    // The last day of the present period, and none of the next.
    const given = [row(0, { sentAtMs: new Date(day).getTime() })]
    await using s = await openSink(database)
    expect((await s.write(batch(given))).stored).toBe(1)
    expect(await database.query("select tableoid::regclass::text as part from user_logins")).toEqual([
      { part },
    ])
    await database.query(`drop table ${part}`)
    const again = await init(database)
    expect(Object.entries(again).filter(([, outcome]) => outcome === "created")).toEqual([
      [`partition ${part}`, "created"],
    ])
    const other = { partitioned: "month" } as const
    await expect(init(database, LOGIN, other)).rejects.toMatchObject({
      kind: "config",
      message: `public.user_logins is partitioned by ${width}, not by month`,
    })
    await database.query(initSql(LOGIN, other))
    expect(await init(database)).toEqual(await init(database, LOGIN, { partitioned: width }))
  })

  test.each([
    [55, `${"t".repeat(55)}_default`],
    [56, `${"t".repeat(46)}_525ebaf7_default`],
    [63, `${"t".repeat(46)}_fe60147e_default`],
  ])("whose name has %i characters has its months too", async (length, fallback) => {
    await using database = await createEmptyDatabase()
    const steps = await init(database, { ...LOGIN, table: "t".repeat(length) }, PARTITIONED)
    const partitions = Object.keys(steps).filter((object) => object.startsWith("partition "))
    expect(partitions).toHaveLength(15)
    expect(partitions).toContain(`partition ${fallback}`)
  })

  test.each(["t", "ü"])("shares no month with another whose name begins alike: %s", async (letter) => {
    await using database = await createEmptyDatabase()
    const names = ["a", "b"].map((last) => letter.repeat(62 / Buffer.byteLength(letter)) + last)
    for (const table of names) {
      const steps = await init(database, { ...LOGIN, table }, PARTITIONED)
      const made = Object.entries(steps).filter(([object]) => object.startsWith("partition "))
      expect(made.map(([, outcome]) => outcome)).toEqual(Array(15).fill("created"))
    }
    const ofEach = await database.query(
      `select inhparent::regclass::text as table, count(*)::int as parts from pg_inherits
      where inhparent in (select oid from pg_class where relkind = 'p') group by 1 order by 1`,
    )
    expect(ofEach.map(({ parts }) => parts)).toEqual([15, 15])
  })

  test("that somebody else made is left to them", async () => {
    await using database = await createEmptyDatabase()
    await database.query(`${ORIGINAL} partition by range (create_date);
      create table by_year partition of user_logins for values from ('2026-01-01') to ('2027-01-01')`)
    const steps = await init(database)
    expect(steps["table public.user_logins"]).toBe("adopted")
    expect(Object.keys(steps).filter((object) => object.startsWith("partition "))).toEqual([
      "partition by_year",
    ])
  })

  test("is not made of a plain one, nor without a date column", async () => {
    await using database = await createDatabase()
    await expect(init(database, LOGIN, PARTITIONED)).rejects.toMatchObject({
      kind: "config",
      message: "public.user_logins exists and is not partitioned",
      hint: expect.stringContaining("leave --partitioned out"),
    })
    const dateless = { ...LOGIN, sentDate: null }
    const refused = {
      kind: "usage",
      message: expect.stringContaining("needs a date column"),
      hint: expect.stringContaining("event.sentDate"),
    }
    await expect(init(database, dateless, PARTITIONED)).rejects.toMatchObject(refused)
    expect(() => initSql(dateless, PARTITIONED)).toThrow(expect.objectContaining(refused))
    expect(() => initSql(dateless, PLAIN)).not.toThrow()
  })
})

describe("the printed SQL", () => {
  test.each<InitOptions>([PLAIN, PARTITIONED, { partitioned: "day" }])(
    "ends where init ends, from nothing and from itself: %o",
    async (options) => {
      await using printed = await createEmptyDatabase()
      await using done = await createEmptyDatabase()
      await init(done, LOGIN, options)
      for (const _ of [1, 2]) {
        await printed.query(initSql(LOGIN, options))
        expect(await describeDatabase(printed)).toEqual(await describeDatabase(done))
      }
      expect(new Set(Object.values(await init(printed, LOGIN, options)))).toEqual(new Set(["exists"]))
    },
  )

  test("is one transaction, whoever sends its statements one by one", () => {
    const statements = initSql(LOGIN, PLAIN).split(/^(?=begin;|commit;)/m)
    expect(statements).toHaveLength(2)
    expect(statements[0]).toMatch(/^begin;\n\nset local search_path = pg_catalog, pg_temp;\n/)
    expect(statements[1]).toBe("commit;\n")
  })

  test("leaves a plain table alone when a partitioned one was asked for", async () => {
    await using database = await createEmptyDatabase()
    await database.query(ORIGINAL)
    await expect(database.query(initSql(LOGIN, PARTITIONED))).rejects.toThrow(
      "user_logins exists and is not partitioned",
    )
    expect(await database.query("select from pg_namespace where nspname = 'peppermill'")).toEqual([])
  })

  const psql = spawnSync("psql", ["--version"]).status === 0
  test.runIf(psql)("runs through psql as it is", async () => {
    await using printed = await createEmptyDatabase()
    await using done = await createEmptyDatabase()
    await init(done, LOGIN, PARTITIONED)
    for (const _ of [1, 2]) {
      const child = promisify(execFile)("psql", [
        "--no-psqlrc",
        "--quiet",
        "--set=ON_ERROR_STOP=1",
        printed.url,
      ])
      child.child.stdin?.end(initSql(LOGIN, PARTITIONED))
      expect((await child).stderr).toBe("")
    }
    expect(await describeDatabase(printed)).toEqual(await describeDatabase(done))
  })
})
