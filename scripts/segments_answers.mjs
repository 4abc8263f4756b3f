// Answers texts on stdin (a JSON array of strings) with what two npm libraries say: [[encoding, parts], [encoding, parts]].
// Leaves which texts, and who is right, to segments_record.py.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(process.cwd() + "/");
const { SegmentedMessage } = require("sms-segments-calculator");
const split = require("split-sms");

const twilio = (text) => {
  const message = new SegmentedMessage(text);
  return [message.encodingName === "GSM-7" ? "gsm7" : "ucs2", message.segmentsCount];
};
const splitSms = (text) => {
  const message = split.split(text, { summary: true });
  return [message.characterSet === "GSM" ? "gsm7" : "ucs2", message.parts.length];
};

const texts = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => [twilio(text), splitSms(text)])));
