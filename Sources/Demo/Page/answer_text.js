// The text inside an event, wherever the protocol of the answering agent has put it.

const isText = (value) => typeof value === 'string';

/** Agent-to-agent: the text parts of a message, in their order. */
function textOfParts(parts) {
  return parts.filter((part) => part?.kind === 'text' && isText(part.text)).map((part) => part.text).join('');
}

/** OpenAI: a piece of the first choice while it streams, or the whole message at the end. */
function textOfChoices([choice]) {
  return [choice?.delta?.content, choice?.message?.content, choice?.text].find(isText) ?? '';
}

/**
 * The text that an event carries, the empty string where it carries none.
 *
 * @param {object} payload the parsed data of an event; the agent's own message may be wrapped in `response_data`.
 */
export function answerText(payload) {
  const message = payload?.response_data?.raw_response ?? payload;
  if (Array.isArray(message?.parts)) return textOfParts(message.parts);
  if (Array.isArray(message?.choices)) return textOfChoices(message.choices);
  return '';
}
