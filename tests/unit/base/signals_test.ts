import assert from "node:assert/strict";
import fc from "fast-check";
import { isCode } from "../../../lib/base/errors.ts";
import { signalName, signalNumber } from "../../../lib/base/signals.ts";
import { test } from "../../support/test.ts";

test("signalNumber() takes names with and without SIG, in any case, and numbers", () => {
  for (const text of ["TERM", "SIGTERM", "sigterm", "term", "15", " TERM "]) assert.equal(signalNumber(text), 15, text);
  assert.equal(signalNumber("KILL"), 9);
  assert.equal(signalNumber("IOT"), 6);
  assert.equal(signalNumber("CLD"), 17);
  assert.equal(signalNumber("POLL"), 29);
  assert.equal(signalNumber("64"), 64);
});

test("signalNumber() counts real-time signals from 34, as glibc and docker do", () => {
  assert.equal(signalNumber("RTMIN"), 34);
  assert.equal(signalNumber("SIGRTMIN+3"), 37);
  assert.equal(signalNumber("RTMAX-1"), 63);
  assert.equal(signalNumber("RTMAX"), 64);
  for (const text of ["RTMIN-1", "RTMAX+1", "RTMIN+31", "RTMAX-31", "RTMIN+", "RT"]) {
    assert.throws(() => signalNumber(text), (error) => isCode(error, "invalid_argument"), text);
  }
});

test("signalNumber() refuses what is no signal and names the nearest one", () => {
  for (const text of ["", "0", "65", "-1", "1.5", "SIG", "SIGSIGTERM", "constructor", "__proto__", "9x"]) {
    assert.throws(() => signalNumber(text), (error) => isCode(error, "invalid_argument"), JSON.stringify(text));
  }
  assert.throws(() => signalNumber("SIGTREM"), { message: '"SIGTREM" is not a signal', hint: 'did you mean "TERM"?' });
  assert.throws(() => signalNumber("99"), { hint: "give a name such as TERM or a number from 1 to 64" });
});

test("signalName() gives a name that signalNumber() reads back, for every signal", () => {
  for (let number = 1; number <= 64; number++) assert.equal(signalNumber(signalName(number)), number);
  assert.equal(signalName(15), "SIGTERM");
  assert.equal(signalName(34), "SIGRTMIN");
  assert.equal(signalName(37), "SIGRTMIN+3");
  assert.equal(signalName(64), "SIGRTMAX");
  assert.equal(signalName(32), "32");
  assert.equal(signalName(0), "0");
  assert.equal(signalName(99), "99");
});

test("signal names are the numbers that this system's kill knows", async () => {
  for (const number of [1, 2, 3, 6, 9, 10, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 28, 30, 31]) {
    const { stdout } = await new Deno.Command("bash", { args: ["-c", `kill -l ${number}`] }).output();
    assert.equal(`SIG${new TextDecoder().decode(stdout).trim()}`, signalName(number));
  }
});

test("signalNumber() gives 1 to 64 or invalid_argument for any text", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (text) => {
    try {
      const number = signalNumber(text);
      assert.ok(Number.isInteger(number) && number >= 1 && number <= 64);
    } catch (error) {
      assert.ok(isCode(error, "invalid_argument"));
    }
  }));
});
