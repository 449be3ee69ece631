// What went wrong, in words for people, and what they can do about it.

const advice = 'Send the message again, or ask something else.';

/** What the gateway means when it has to end a run itself, by the word that it gives. */
const gatewayReasons = {
  upstream_unreachable: 'no agent could be reached',
  upstream_timeout: 'the agent said nothing for too long',
  upstream_status: 'the agent refused the question',
  upstream_closed: 'the agent was cut off in the middle',
  upstream_protocol: 'what the agent sent was not a stream of events',
  event_too_large: 'the agent sent more at once than the gateway takes',
  stopped: 'it was stopped, maybe in another tab',
  abandoned: 'nobody watched it for a while',
  run_unknown: 'it is not known any more',
  drained: 'the gateway is being stopped',
  limit: 'a limit has no room for it',
  evicted: 'a newer one has taken its place',
  token_expired: 'you have been signed out',
};

/** A reason for programs as words: `upstream_closed` reads `upstream closed`. */
const words = (reason) => String(reason ?? '').replaceAll('_', ' ');

function gatewayError({ reason, message, status, limit }) {
  const known = Object.hasOwn(gatewayReasons, reason) && gatewayReasons[reason];
  const word = [words(reason), status, limit].filter(Boolean).join(' ');
  const detail = known ? `${known} (${word})` : message || word || 'no reason given';
  return `The gateway ended the answer: ${detail}.`;
}

/**
 * Describes the end of a run that has no answer.
 *
 * @param {string} reason `error`, `refused`, `evicted` or `expired`, as `RunStream` tells it.
 * @param {object|null} payload the error event, where there was one.
 * @returns {{what: string, advice: string}}
 */
export function describeError(reason, payload) {
  if (reason === 'refused') {
    return {
      what: 'The stream could not be opened.',
      advice: 'The gateway may be starting, or be at one of its limits. Wait a moment, then send the message again.',
    };
  }
  if (reason === 'evicted') {
    return {
      what: `A newer stream has taken the place of this one (limit ${payload?.limit ?? 'unknown'}).`,
      advice: 'Close a tab that you do not need, then send the message again.',
    };
  }
  if (reason === 'expired') return { what: 'You have been signed out.', advice: 'Sign in, then send the message again.' };
  if (payload?.source === 'gateway') return { what: gatewayError(payload), advice };
  const detail = payload?.message || words(payload?.reason) || 'no reason given';
  return { what: `The agent reported an error: ${detail}.`, advice };
}
