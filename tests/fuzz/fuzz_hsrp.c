/*
 * HSRP: any message of either version, any frame. Input: 1 byte (bit 0: version 2, bit 1: a whole
 * frame, bit 2: ARP), then the bytes. What is understood is written again and read again, and says
 * the same; a frame that is made of it is one.
 */
#include "control/hsrp/auth.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void message(unsigned version, const uint8_t *p, size_t n)
{
    struct hsrp_message m, again;
    uint8_t out[HSRP_MESSAGE], frame[HSRP_FRAME], digest[HSRP_MD5];
    const uint8_t mac[HSRP_MAC] = {2};
    const struct addr src = addr_from_v4(0x0a000001);
    struct hsrp_datagram d;
    if (hsrp_parse(version, p, n, &m) != HSRP_GOOD || m.op == HSRP_ADVERTISE)
        return;
    must(m.group < hsrp_groups(version) && m.state < HSRP_STATES);
    if (version == 1)
        must(m.state != HSRP_DISABLED);
    size_t len = hsrp_write(&m, out);
    must(len <= sizeof(out));
    must(hsrp_parse(version, out, len, &again) == HSRP_GOOD);
    must(memcmp(&m, &again, sizeof(m)) == 0);
    len = hsrp_frame(mac, &src, version, out, len, frame);
    must(hsrp_unframe(frame, len, false, &d) && d.version == version);
    if (m.auth == HSRP_AUTH_MD5)
        must(hsrp_digest((const uint8_t *)"key", 3, p, n, digest) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hsrp_datagram d;
    uint8_t mac[HSRP_MAC];
    struct addr a;
    if (size < 1)
        return 0;
    uint8_t how = data[0];
    const uint8_t *p = data + 1;
    size_t n = size - 1;
    if (how & 4)
        arp_claim(p, n, mac, &a);
    else if (!(how & 2))
        message(how & 1 ? 2 : 1, p, n);
    else if (hsrp_unframe(p, n, true, &d))
        message(d.version, d.p, d.n);
    return 0;
}
