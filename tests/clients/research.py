#!/usr/bin/env python3
"""A researcher's session with the package `innsyn`, as the system tests run it.

`session` asks in every way there is and prints what it was told as JSON. `cancel` says that it
is ready; at a line to read it begins a run and prints its id; at the next it cancels the run; at
the third it asks whether the run is under way, and on, to show that the connection lives.
`killed` and `killed-asynchronous` begin a run and say so when all registers but one have answered;
the gateway is killed then. They ask while it is away, and say that too; at a line to read they ask
again, and print what they were told.
"""

import argparse
import asyncio
import json
import os
import pathlib
import sys
import time

import innsyn

#: How long a gateway that was started again may take, in seconds.
BACK_S_MAX = 60.0


def by_sex(catalogue: innsyn.Catalogue) -> innsyn.Query:
    persons = catalogue.persons
    return persons.query().by(persons.sex).measure(innsyn.persons())


def session(options: dict) -> dict:
    told = {}
    with innsyn.connect(**options) as client:
        catalogue = client.catalogue()
        told["views"] = {view.name: list(view.registers) for view in catalogue.views}
        told["shown"] = "Kjønn / Sex" in catalogue.persons._repr_html_()
        query = by_sex(catalogue)
        plan = client.dry_run(query)
        told["names"] = [query.name, plan.query_name]
        told["words"] = [plan.words_nb, plan.words_en]
        seen = []
        result = client.run(query, progress=lambda at: seen.append(dict(at.states)))
        told["progress"] = seen[-1]
        told["rows"] = result.rows
        told["coverage"] = dict(result.coverage)
        frame = result.pandas(hidden=True, coverage=True)
        told["frame"] = {
            "columns": list(frame.columns),
            "rows": len(frame),
            "asked": frame.attrs["innsyn"]["registers_asked"],
        }
        told["asynchronous"] = asyncio.run(asynchronous(options))
        told["refusals"] = refusals(client, options)
        told["sql"] = sql(client)
        told["ledger"] = [release.query_name for release in client.ledger()]
    told["notebook"] = notebook(options)
    return told


async def asynchronous(options: dict) -> list:
    """Two queries side by side; the rows of the one that the other client asked too."""
    async with innsyn.aio.connect(**options) as client:
        catalogue = await client.catalogue()
        stays = catalogue.stays
        yearly = stays.query().by(innsyn.year()).measure(innsyn.persons(), innsyn.events())
        same, other = await asyncio.gather(client.run(by_sex(catalogue)), client.run(yearly))
        assert other.measures[-1] == "events", other
        return same.rows


def refusals(client: innsyn.Client, options: dict) -> list:
    """The reasons and classes of refusals that the gateway itself makes."""
    told = []

    def refused(act) -> None:
        try:
            act()
        except innsyn.InnsynError as error:
            told.append([type(error).__name__, error.reason])

    unknown = client.query("persons").to_proto()
    unknown.view = "nothing"
    refused(lambda: client.run(unknown, progress=False))
    with innsyn.connect(**{**options, "token_file": None}, token="bad") as stranger:
        refused(stranger.catalogue)
    with innsyn.connect(**{**options, "permit_file": None}, data_permit="bad") as without:
        refused(lambda: without.run(by_sex(client.catalogue()), progress=False))
    return told


def sql(client: innsyn.Client) -> list | str:
    """The rows of the same question in SQL, or the reason for which there are none."""
    try:
        result = client.sql(
            "SELECT sex, persons() FROM persons GROUP BY sex", progress=False
        )
        return result.rows
    except innsyn.QueryError as error:
        return error.reason


def notebook(options: dict) -> dict:
    """Executes the package's example notebook over the gateway."""
    import nbformat
    from nbclient import NotebookClient

    os.environ.update(
        INNSYN_TARGET=options["target"],
        INNSYN_TOKEN_FILE=options["token_file"],
        INNSYN_PERMIT_FILE=options["permit_file"],
        INNSYN_INSECURE="1",
    )
    root = pathlib.Path(__file__).resolve().parents[2]
    example = nbformat.read(root / "clients/python/examples/research.ipynb", as_version=4)
    NotebookClient(example, timeout=300, kernel_name="python3").execute()
    outputs = [one for cell in example.cells for one in cell.get("outputs", [])]
    text = "\n".join(str(dict(one)) for one in outputs)
    return {
        "gateway": f"client of {options['target']}" in text,
        "answered": "registers answered" in text,
        "survival": "survival_low" in text,
    }


def cancel(options: dict) -> dict:
    with innsyn.connect(**options) as client:
        query = by_sex(client.catalogue())
        print("ready", flush=True)
        sys.stdin.readline()
        with client.start(query, deadline=300) as run:
            # Held on to, for a run that nobody looks at any more is cancelled too.
            updates = run.updates()
            for progress in updates:
                if "answered" in progress.states.values():
                    break
            print(run.progress.run_id, flush=True)
            sys.stdin.readline()
            run.cancel()
            sys.stdin.readline()
        was_running = client.cancel(run.progress.run_id)
        return {"was_running": was_running, "views": len(client.catalogue(fresh=True))}


def killed(options: dict) -> dict:
    with innsyn.connect(**options) as client:
        query = by_sex(client.catalogue())
        told = []
        try:
            client.run(query, progress=say_when_one_is_missing)
        except innsyn.InnsynError as error:
            told.append(in_words(error))
        try:
            client.run(query, progress=False)
        except innsyn.InnsynError as error:
            told.append(in_words(error))
        wait_until_back()
        ends = time.monotonic() + BACK_S_MAX
        while True:
            try:
                return outcome(told, client.run(query, progress=False))
            except innsyn.Unreachable:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.1)


async def killed_asynchronous(options: dict) -> dict:
    async with innsyn.aio.connect(**options) as client:
        query = by_sex(await client.catalogue())
        told = []
        try:
            await client.run(query, progress=say_when_one_is_missing)
        except innsyn.InnsynError as error:
            told.append(in_words(error))
        try:
            await client.run(query)
        except innsyn.InnsynError as error:
            told.append(in_words(error))
        await asyncio.to_thread(wait_until_back)
        ends = time.monotonic() + BACK_S_MAX
        while True:
            try:
                return outcome(told, await client.run(query))
            except innsyn.Unreachable:
                if time.monotonic() > ends:
                    raise
                await asyncio.sleep(0.1)


def say_when_one_is_missing(progress: innsyn.Progress) -> None:
    if progress.answered == progress.asked - 1:
        print("one is missing", flush=True)


def wait_until_back() -> None:
    print("away", flush=True)
    sys.stdin.readline()


def in_words(error: innsyn.InnsynError) -> list:
    return [type(error).__name__, str(error)]


def outcome(told: list, result: innsyn.Result) -> dict:
    return {"told": told, "rows": result.rows, "is_earlier": result.is_earlier}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    acts = {
        "session": session,
        "cancel": cancel,
        "killed": killed,
        "killed-asynchronous": lambda options: asyncio.run(killed_asynchronous(options)),
    }
    parser.add_argument("act", choices=acts)
    for name in ("--target", "--token-file", "--permit-file"):
        parser.add_argument(name, required=True)
    args = vars(parser.parse_args())
    act = acts[args.pop("act")]
    print(json.dumps(act({**args, "insecure": True})))


if __name__ == "__main__":
    main()
