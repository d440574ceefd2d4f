"""What a page holds: memory of a browser, measured after its garbage is gone."""

from playwright.sync_api import Page


def heap_bytes(page: Page) -> int:
    """Bytes of the page's heap that are in use, after collecting twice."""
    client = page.context.new_cdp_session(page)
    try:
        client.send("HeapProfiler.enable")
        for _ in range(2):
            client.send("HeapProfiler.collectGarbage")
        found = client.send("Runtime.getHeapUsage")
        return int(found["usedSize"])
    finally:
        client.detach()
