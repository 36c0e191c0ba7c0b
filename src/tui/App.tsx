import { Box, useApp, useInput, usePaste, useWindowSize } from "ink"
import { useSyncExternalStore } from "react"
import { keymap, placesOf } from "./keymap.ts"
import { presses } from "./press.ts"
import type { Session } from "./session.ts"
import { FRAME_ROWS } from "./views/Frame.tsx"
import { type Look, LookContext } from "./views/look.ts"
import { ScreenView } from "./views/Screen.tsx"

/** The one component that reads the session and the keyboard. It starts nothing and awaits nothing. */
export function App({ session, look }: { readonly session: Session; readonly look: Look }) {
  const { store } = session
  const model = useSyncExternalStore(store.subscribe, store.getSnapshot)
  const { columns, rows } = useWindowSize()
  const { suspendTerminal } = useApp()
  const pageRows = rows - 1 - FRAME_ROWS

  useInput((input, key) => {
    for (const name of presses(input, key)) {
      // Each key meets the state that the one before it left.
      const action = keymap(placesOf(store.current()), name)
      // Handing the terminal over, to nobody, makes ink forget what it believes is on it. Twice at once it refuses.
      if (action?.type === "redraw") suspendTerminal(async () => {}).catch(() => {})
      else if (action !== null) session.act(action, pageRows)
    }
  })
  usePaste((text) => {
    // What is pasted is text for a field. It is never keys.
    if (placesOf(store.current()).includes("typing")) session.act({ type: "insert", text }, pageRows)
  })

  return (
    <LookContext value={look}>
      <Box width={columns} height={Math.max(1, rows - 1)}>
        <ScreenView model={model} columns={columns} rows={rows - 1} />
      </Box>
    </LookContext>
  )
}
