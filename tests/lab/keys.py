"""A box's IKE and ESP keys as a tshark profile folder.

`test crypto keys` exists only on boxes started with --lab. It prints one key per line, in the
form of tshark's own tables, behind a word that says which table:

    ike INITIATOR-SPI,RESPONDER-SPI,SK_ei,SK_er,"ENCRYPTION",SK_ai,SK_ar,"INTEGRITY"
    ike1 INITIATOR-COOKIE,KEY
    esp "IPv4","SOURCE","DESTINATION","0xSPI","ENCRYPTION","0xKEY","AUTHENTICATION","0xKEY"

Use: WIRESHARK_CONFIG_DIR=FOLDER tshark -r FILE
"""
import os

from boxes import BoxError

TABLES = {"ike": "ikev2_decryption_table", "ike1": "ikev1_decryption_table", "esp": "esp_sa"}
PREFERENCES = """\
esp.enable_encryption_decode: TRUE
esp.enable_authentication_check: TRUE
esp.enable_null_encryption_decode_heuristic: FALSE
"""


def read(box):
    """Lines per table, as `test crypto keys` gives them."""
    r = box.shell(["test crypto keys"])
    if r.returncode:
        raise BoxError(f"{box.name} does not give its keys: {r.stdout}{r.stderr}")
    lines = {kind: [] for kind in TABLES}
    for line in r.stdout.splitlines():
        kind, _, rest = line.strip().partition(" ")
        if kind in lines:
            lines[kind].append(rest)
    return lines


def write_profile(box, folder):
    """Adds the box's keys to the folder's tables: what is there stays (keys of earlier SAs)."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.path.join(folder, "preferences"), "w") as f:
        f.write(PREFERENCES)
    for kind, lines in read(box).items():
        path = os.path.join(folder, TABLES[kind])
        there = set()
        if os.path.exists(path):
            with open(path) as f:
                there = set(f.read().splitlines())
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as f:
            f.writelines(l + "\n" for l in lines if l not in there)
