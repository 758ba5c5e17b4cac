// The customer beside the ticket: who they are, where they can be reached, what else they have asked.

import { ask, calm, explain, fragment, keep, localise, missing, toast, words } from "./web.js";

const SOON = 1500;

export class Panel {
  /** wide: whether there is room for a column. */
  constructor(desk, wide) {
    this.desk = desk;
    this.wide = wide;
    this.place = document.getElementById("customer");
    this.refresh = calm(SOON, () => this.show());
    this.place.addEventListener("click", (event) => {
      if (!event.target.closest("[data-cancel]")) return;
      const details = event.target.closest("details");
      details.open = false;
      details.querySelector("summary").focus();
    });
  }

  get ticket() {
    return this.desk.stream?.ticket;
  }

  toggle() {
    if (!this.ticket) return;
    if (this.desk.panelOn) return this.close();
    if (this.wide.matches) keep("panel", "on");
    this.desk.drawPanel(true);
    this.show();
    if (!this.wide.matches) this.place.focus({ preventScroll: true });
  }

  close() {
    if (this.wide.matches) keep("panel", "off");
    this.desk.drawPanel(false);
    document.querySelector("[data-panel]")?.focus({ preventScroll: true });
  }

  async show() {
    const { ticket } = this;
    if (!ticket || !this.desk.panelOn) return;
    // Somebody else's card must not stand beside this conversation while theirs is on its way.
    if (Number(this.place.querySelector("[data-ticket]")?.dataset.ticket) !== ticket) {
      this.place.replaceChildren(document.getElementById("panel-waits").content.cloneNode(true));
    }
    try {
      const response = await ask(`/tickets/${ticket}/customer/`);
      const body = await response.text();
      if (ticket !== this.ticket) return;
      if (response.status >= 500) return this.notShown();
      if (!response.ok) return explain(response.status, body);
      const focused = this.place.contains(document.activeElement);
      this.place.replaceChildren(fragment(body));
      localise(this.place);
      const query = this.desk.query();
      for (const link of this.place.querySelectorAll("[data-go=ticket]")) link.href += query;
      if (focused) this.place.focus({ preventScroll: true });
    } catch {
      if (ticket === this.ticket) this.notShown();
    }
  }

  /** A card that is there stays as it is. */
  notShown() {
    const waits = this.place.querySelector(".panel-body.waits, .missing");
    if (waits) missing(waits, () => this.show());
    else toast(words("offline"), { bad: true });
  }

  /** What is being changed here is not drawn anew under the agent's hands. */
  heard(frame) {
    if (this.place.querySelector("details[open]")) return;
    const shown = this.place.querySelector("[data-customer]")?.dataset.customer;
    const theirs = frame.data?.customer && String(frame.data.customer.id) === shown;
    const said = frame.ticket === this.ticket && frame.type.startsWith("customer.");
    if (said || (theirs && frame.ticket !== this.ticket)) this.refresh();
  }
}
