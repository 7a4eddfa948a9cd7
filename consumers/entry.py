"""What does `retention` do before anything else? It sees to it that Ctrl-C during the imports ends the process without a stack.

So nothing of ours is imported above, and little else.
"""

import os
import signal

INTERRUPTED = 130


def main() -> None:
    """The entry point `retention`; ends the process."""
    # Else whoever started us has it ignored.
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        # Nothing runs yet that would have to be ended; and an exception may get lost in whatever is being imported.
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    from consumers.cli import main as command

    if ours:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()
