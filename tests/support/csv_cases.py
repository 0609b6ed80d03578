"""Texts for CSV cells: formulas for some spreadsheet, and texts that are none. The page and the server write them alike."""

FORMULAS = [
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(1)",
    " =1",
    "\t=1",
    "\r=1",
    "＝1+1",
    "x;=1+cmd|' /C calc'!A0",
    "x\t@SUM(1)",
    "x,+1",
    'x;"=1+1"',
    "x|'=1+1",
    "x: =1",
    '"=1+1',
    "'=1+1",
    "x\n=1",
]

PLAIN_TEXTS = [
    "Sample Customer 17",
    "customer+17@example.com",
    "O’Sample-Customer",
    "a=b",
    "顧客 山田太郎",
    'Zoë "Sample"',
    "1;2",
    "",
]
