"""`retention erase`: how do I make a user disappear from every number?"""

from typing import Annotated

import typer

from consumers.cli.console import await_, out, printable, settings


def erase(
    user: Annotated[str, typer.Argument(help="Any id of the user, as events have it.", show_default=False)],
    app: Annotated[str, typer.Option(help="The app.", show_default=False)],
    wait: Annotated[bool, typer.Option("--wait", help="Return once it is counted everywhere.")] = False,
) -> None:
    """Erase everything that a user did until now, under all ids that are known to be the same person.

    The order stands in topic `erasures` for ever, as keyed hashes. Events that come after this command start a new user.
    Where nothing was counted of the user it says so; the order stands all the same, since events may be on their way.

    Examples:

        retention erase alice --app shop --wait
    """
    await_(_erase(app, user, wait))


async def _erase(app: str, user: str, wait: bool) -> None:
    import time

    from consumers.cli.waiting import caught_up
    from consumers.erasing import erase as order
    from consumers.kafka import Kafka
    from consumers.stores import opened

    found = settings("kafka", "redis_url", "user_id_secret")
    async with opened(found) as store, Kafka(found) as kafka:
        await kafka.ensure_topics()
        receipt = await order(found, store, kafka, app, user, now_ms=lambda: time.time_ns() // 1_000_000)
    ids = "1 id" if receipt["ids"] == 1 else f"{receipt['ids']} ids"
    out.print(f"ordered: {ids}, receipt {receipt['receipt']}", highlight=False)
    if not receipt["known"]:
        out.print(
            f"nothing was counted of {printable(user)} in app {printable(app)}. The order stands for what may still be on its way; "
            "if you meant somebody else, look at the spelling of both.",
            markup=False,
            soft_wrap=True,
        )
    if wait:
        await caught_up(found)
        out.print("done")
