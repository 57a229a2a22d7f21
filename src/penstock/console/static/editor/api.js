// How the editor speaks with the program: JSON there and back, every failure one of three kinds.

/** The program did not answer, or cannot answer now: what was asked may be asked again. */
export class Away extends Error {}

/** Nobody is signed in any more. */
export class SignedOut extends Error {}

/** The program said no, with a sentence for people. */
export class Refused extends Error {
  constructor(told, status) {
    super(told.sentence || "Something unexpected went wrong.");
    this.code = told.code || "error";
    this.status = status;
  }
}

const PATIENCE = 20000; // milliseconds

export class Api {
  constructor(base, token) {
    this.base = base;
    this.token = token;
  }

  /** Send `body` to a name below the editor's address; answers what comes back. */
  async send(name, body, options = {}) {
    const request = {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": this.token },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE),
      ...options,
    };
    let response;
    try {
      response = await fetch(`${this.base}/${name}`, request);
    } catch {
      throw new Away("The program does not answer. Is `penstock up` still running?");
    }
    return this.#read(response);
  }

  async #read(response) {
    if (response.status === 401 || response.status === 403) {
      throw new SignedOut("You are signed out. Open the link that `penstock up` prints, in another window.");
    }
    let told;
    try {
      told = await response.json();
    } catch {
      told = {};
    }
    if (response.ok) return told;
    if (response.status >= 500) throw new Away(told.sentence || "The program could not do that now.");
    throw new Refused(told, response.status);
  }
}
