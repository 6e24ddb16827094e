"""A centre in a process of its own that reads its lists anew in small steps and says after each how far it is."""

import asyncio
import sys
from pathlib import Path

from tongdan.flow import views
from tongdan.profile import embedded


async def main(data: Path, conf: Path) -> None:
    vars(views).update(START_ROWS=0, READ_ROWS=5)
    centre = embedded(data, conf)
    await centre.start()
    while behind := sum(max(0, last - reached) for reached, last in centre.reads.indexed().values()):
        print(behind, flush=True)
        await asyncio.sleep(0)
    print("whole", flush=True)
    await centre.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
