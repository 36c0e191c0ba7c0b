import { describe, expect, test } from "vitest"
import { namesSubject } from "../../src/recover/names-subject.ts"

describe("a body names a person", () => {
  test.each([
    ['{"user_id":"7"}', "7", true],
    ['{"user_id":7}', "7", true],
    ['{"Message":"{\\"user_id\\":\\"7\\"}"}', "7", true],
    ['[{"a":[null,{"b":"7"}]}]', "7", true],
    ['{"7":1}', "7", true],
    ['{"version":"2.3.7","n":77}', "7", false],
    ['{"user_id":"7"', "7", true],
    ['{"user_id":"77"', "7", false],
    ['{"user_id":"\\u00fc"', "ü", true],
    ['{"user_id":"\\u00FC"', "ü", true],
    ['{"user_id":"ü"', "ü", true],
    ['{"user_id":"a\\"b"', 'a"b', true],
    ['{"a":{"7":null}}', "7", true],
    ['["{\\"a\\":[7]}"]', "7", true],
    ['"[\\"7\\"]"', "7", true],
    ['["7 "]', "7", false],
    ['["null"]', "7", false],
    ['[null,false,true,"x",{}]', "null", false],
    ['["true"]', "true", true],
    ["[true]", "true", false],
    ['["7.0"]', "7", false],
    ['["7","x"]', "7", true],
    ['{"note":"by a\\"b today', 'a"b', true],
    ["7", "7", true],
    ['"7"', "7", true],
    ['{"7":1', "7", true],
    ["7", "77", false],
    ["user 7 wrote", "7", true],
    ["user7 wrote", "7", false],
    ["user 7th", "7", false],
    ["77 and 7", "7", true],
    ["ü7 7ü", "7", false],
    ["7", "7", true],
    ["<7>", "7", true],
    ['{"user_id":"x\\u00fcy"', "ü", false],
    ['{"user_id":"\\u000a"', "\n", false],
    ['{"user_id":"\\ud83d\\ude00"', "😀", true],
    ["", "7", false],
    ["null", "7", false],
  ])("%s, %s: %s", (body, subject, expected) => {
    expect(namesSubject(body, subject)).toBe(expected)
  })
})
