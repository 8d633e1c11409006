"""A citizen at the demo's pages, clicking in a real browser.

Prints as JSON what the citizen saw at each step. Expects the pages' address and the browser's
program as arguments.
"""

import json
import sys

from playwright.sync_api import Page, sync_playwright

OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
# Were it taken for more than text, it would run.
WORDS = 'Fødselsåret er <img src=x onerror="window.taken = 1"> feil.'
WHY = "Folkeregisteret sier noe annet."


def settings(page: Page) -> dict:
    """Says no to secondary use, and follows it to the registers."""
    page.get_by_role("button", name="Mine innstillinger").click()
    opt_out = page.get_by_role("switch", name="Reservasjon mot")
    before = opt_out.get_attribute("aria-checked")
    opt_out.click(no_wait_after=True)
    page.get_by_text("Registrene følger").first.wait_for()
    page.get_by_role("button", name="Til innstillingene").click()
    return {"before": before, "after": opt_out.get_attribute("aria-checked")}


def uses(page: Page) -> dict:
    """Reads who has used the data, twice, and looks at research alone."""
    page.get_by_role("button", name="Hvem har brukt").click()
    proof = page.locator(".proof")
    first = proof.inner_text()
    page.get_by_text("Hva er kontrollert?").click()
    checks = page.locator(".checks").inner_text()
    page.get_by_role("button", name="Les igjen").click()
    page.get_by_text("Hva er kontrollert?").click()
    page.get_by_text("Ingenting er tatt tilbake").wait_for()
    page.get_by_text("Forskning (").click()
    shown = [event.inner_text() for event in page.locator(".event").all() if event.is_visible()]
    return {"first": first, "checks": checks, "second": proof.inner_text(), "research": shown}


def case(page: Page) -> dict:
    """Writes to a register, and sees its answer."""
    page.get_by_role("button", name="Mine saker").click()
    writing = page.locator("section.write")
    writing.get_by_label("Register").select_option(label="Kreftregisteret")
    writing.get_by_label("Hva ber du om?").select_option("correction")
    writing.get_by_role("textbox").fill(WORDS)
    writing.get_by_role("button", name="Send").click()
    badge, steps = page.locator(".badge").first, page.locator(".step")
    opened = {"badge": badge.inner_text(), "steps": steps.all_inner_texts()}
    desk = page.locator("section.desk")
    desk.get_by_role("combobox").select_option("refused")
    desk.get_by_role("textbox").fill(WHY)
    desk.get_by_role("button", name="Svar som registeret").click()
    page.get_by_text(WHY).first.wait_for()
    return {
        "opened": opened,
        "answered": {"badge": badge.inner_text(), "steps": steps.all_inner_texts()},
        "taken": page.evaluate("window.taken ?? null"),
    }


def main() -> None:
    """Goes through the pages."""
    address, program = sys.argv[1:]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=OPTIONS)
        page = browser.new_page()
        page.set_default_timeout(60_000)
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.get_by_role("button", name="En som står i mange registre").click()
        saw = {"settings": settings(page), "uses": uses(page), "case": case(page)}
        saw["complaints"] = complaints
        saw["address"] = page.url
        browser.close()
    print(json.dumps(saw))


if __name__ == "__main__":
    main()
