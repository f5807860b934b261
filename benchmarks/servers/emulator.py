"""The emulator, discarding its media. Argument: SETTINGS-AS-JSON.

Prints its address and serves until it is terminated.
"""

import asyncio
import json
import os
import sys

from apivideo_async.emulator import Emulator


async def main() -> None:
    settings = {"discard": True, "max_chunk": 2**36, "api_key": os.environ["APIVIDEO_API_KEY"]}
    async with Emulator(**settings, **json.loads(sys.argv[1])) as emulator:
        print(emulator.url, flush=True)
        await asyncio.Event().wait()


asyncio.run(main())
