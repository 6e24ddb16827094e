"""Why an order waits: holds, the risk rules that place them, and what systems disagree on."""
