"""The asynchronous client."""

import asyncio

import pytest
from gateway import Gateway

import innsyn


def connect(gateway: Gateway) -> innsyn.aio.AsyncClient:
    return innsyn.aio.connect(gateway.target, **gateway.options)


async def by_sex(client: innsyn.aio.AsyncClient) -> innsyn.Query:
    query = await client.query("stays")
    return query.first().by(query.view.sex)


def test_it_tells_the_same_as_the_other_client(gateway: Gateway) -> None:
    async def ask() -> tuple[innsyn.Result, innsyn.Plan, list[innsyn.Release]]:
        async with connect(gateway) as client:
            query = await by_sex(client)
            result = await client.run(query)
            return result, await client.dry_run(query), await client.ledger()

    result, plan, ledger = asyncio.run(ask())
    with gateway.connect() as client:
        same = client.run(plan.query, progress=False)
    assert same.is_earlier
    assert result.rows == same.rows
    assert result.query_name == plan.query_name == ledger[0].query_name


def test_two_queries_run_side_by_side(gateway: Gateway) -> None:
    async def ask() -> list[innsyn.Result]:
        async with connect(gateway) as client:
            query = await by_sex(client)
            other = query.measure(innsyn.events())
            return await asyncio.gather(client.run(query), client.run(other))

    one, other = asyncio.run(ask())
    assert (one.measures, other.measures) == (["registrations"], ["events"])


def test_a_cancelled_task_ends_the_run_at_the_gateway(gateway: Gateway) -> None:
    gateway.lets_answer.clear()

    async def ask() -> None:
        async with connect(gateway) as client:
            query = await by_sex(client)
            asked = asyncio.Event()
            task = asyncio.create_task(client.run(query, progress=lambda _: asked.set()))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await asyncio.to_thread(gateway.was_cancelled.wait, 5)

    asyncio.run(ask())


def test_a_run_can_be_looked_at_and_cancelled(gateway: Gateway) -> None:
    gateway.lets_answer.clear()

    async def ask() -> None:
        async with connect(gateway) as client, client.start(await by_sex(client)) as run:
            with pytest.raises(innsyn.Cancelled):
                async for progress in run:
                    assert progress.run_id
                    run.cancel()
            assert await asyncio.to_thread(gateway.was_cancelled.wait, 5)

    asyncio.run(ask())


def test_who_stops_looking_at_a_run_ends_it(gateway: Gateway) -> None:
    gateway.lets_answer.clear()

    async def ask() -> None:
        async with connect(gateway) as client:
            updates = aiter(client.start(await by_sex(client)))
            await anext(updates)
            await updates.aclose()  # type: ignore[attr-defined]
            assert await asyncio.to_thread(gateway.was_cancelled.wait, 5)

    asyncio.run(ask())


def test_a_refusal_is_the_same_error(gateway: Gateway) -> None:
    async def ask() -> None:
        options = {**gateway.options, "token": "bad"}
        async with innsyn.aio.connect(gateway.target, **options) as client:
            with pytest.raises(innsyn.NotLoggedIn):
                await client.catalogue()

    asyncio.run(ask())
