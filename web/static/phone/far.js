// The way to the web process, which alone speaks with the simulated platform.

const WAIT_MS = 25000; // a worker's message may be delivered three times, five seconds each

export class Away extends Error {}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", signal: AbortSignal.timeout(WAIT_MS), ...options });
  } catch {
    throw new Away("连不上服务");
  }
  const known = await answer.json().catch(() => null);
  if (answer.ok && known !== null) return known;
  if (answer.status >= 500 || known === null) throw new Away(known?.error ?? "连不上服务");
  throw new Error(known.error ?? "没有办成，请再试一次");
}

export const look = (name, query = {}) => ask(`/phone/api/${name}?${new URLSearchParams(query)}`);

export const tell = (name, body) =>
  ask(`/phone/api/${name}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
