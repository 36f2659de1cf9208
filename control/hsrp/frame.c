/* Ethernet frames with HSRP messages, and with ARP. See codec.h. */
#include "control/hsrp/codec.h"
#include <string.h>

#define ETHER     14
#define IP_LEAST  20
#define UDP       8
#define TYPE_IP   0x0800
#define TYPE_ARP  0x0806
#define PROTO_UDP 17
#define TOS       0xc0 /* internetwork control (RFC 791 §3.1) */
#define TTL       1    /* RFC 2281 §5 */

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

/* RFC 1071: the sum without its last complement. */
static uint32_t sum(const uint8_t *p, size_t n, uint32_t s)
{
    for (; n > 1; p += 2, n -= 2)
        s += get16(p);
    if (n)
        s += (uint32_t)p[0] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

/* With the pseudo header of RFC 768. ip: an IPv4 header. */
static uint32_t udp_sum(const uint8_t *ip, const uint8_t *udp, size_t n)
{
    return sum(udp, n, sum(ip + 12, 8, PROTO_UDP + (uint32_t)n));
}

static bool version_of(const uint8_t *dst, unsigned *version)
{
    for (*version = 1; *version <= 2; ++*version) {
        struct addr a = hsrp_group_address(*version);
        if (memcmp(dst, a.b, 4) == 0)
            return true;
    }
    return false;
}

bool hsrp_unframe(const uint8_t *frame, size_t n, bool unsummed, struct hsrp_datagram *out)
{
    const uint8_t *ip = frame + ETHER;
    if (n < ETHER + IP_LEAST || get16(frame + 12) != TYPE_IP)
        return false;
    size_t head = (size_t)(ip[0] & 15) * 4, total = get16(ip + 2);
    if (ip[0] >> 4 != 4 || head < IP_LEAST || total < head + UDP || n - ETHER < total)
        return false;
    if (ip[9] != PROTO_UDP || get16(ip + 6) & 0x3fff /* a fragment */ || sum(ip, head, 0) != 0xffff)
        return false;
    const uint8_t *udp = ip + head;
    size_t len = get16(udp + 4);
    if (get16(udp) != HSRP_PORT || get16(udp + 2) != HSRP_PORT || len < UDP || len > total - head)
        return false;
    if (!unsummed && get16(udp + 6) && udp_sum(ip, udp, len) != 0xffff)
        return false;
    if (!version_of(ip + 16, &out->version))
        return false;
    memcpy(out->mac, frame + HSRP_MAC, HSRP_MAC);
    out->src = (struct addr){.family = AF_INET};
    memcpy(out->src.b, ip + 12, 4);
    out->p = udp + UDP;
    out->n = len - UDP;
    return !addr_is_any(&out->src) && out->src.b[0] < 224;
}

size_t hsrp_frame(const uint8_t mac[HSRP_MAC], const struct addr *src, unsigned version,
                  const uint8_t *message, size_t n, uint8_t out[HSRP_FRAME])
{
    uint8_t *ip = out + ETHER, *udp = ip + IP_LEAST;
    struct addr dst = hsrp_group_address(version);
    memset(out, 0, ETHER + IP_LEAST + UDP);
    const uint8_t group_mac[HSRP_MAC] = {1, 0, 0x5e, dst.b[1] & 0x7f, dst.b[2], dst.b[3]};
    memcpy(out, group_mac, HSRP_MAC); /* RFC 1112 §6.4 */
    memcpy(out + HSRP_MAC, mac, HSRP_MAC);
    put16(out + 12, TYPE_IP);
    ip[0] = 0x45;
    ip[1] = TOS;
    put16(ip + 2, (uint32_t)(IP_LEAST + UDP + n));
    ip[8] = TTL;
    ip[9] = PROTO_UDP;
    memcpy(ip + 12, src->b, 4);
    memcpy(ip + 16, dst.b, 4);
    put16(ip + 10, ~sum(ip, IP_LEAST, 0));
    put16(udp, HSRP_PORT);
    put16(udp + 2, HSRP_PORT);
    put16(udp + 4, (uint32_t)(UDP + n));
    memcpy(udp + UDP, message, n);
    uint32_t s = ~udp_sum(ip, udp, UDP + n) & 0xffff;
    put16(udp + 6, s ? s : 0xffff);
    return ETHER + IP_LEAST + UDP + n;
}

/* --- ARP (RFC 826) --------------------------------------------------------------------------- */

static const uint8_t arp_head[] = {0,        1, 8, 0,
                                   HSRP_MAC, 4, 0}; /* Ethernet, IPv4; then the opcode */

void arp_announcement(const uint8_t mac[HSRP_MAC], const struct addr *a, uint8_t out[ARP_FRAME])
{
    uint8_t *arp = out + ETHER;
    memset(out, 0, ARP_FRAME);
    memset(out, 0xff, HSRP_MAC);
    memcpy(out + HSRP_MAC, mac, HSRP_MAC);
    put16(out + 12, TYPE_ARP);
    memcpy(arp, arp_head, sizeof(arp_head));
    arp[7] = 2; /* a reply, as the platform sends it */
    memcpy(arp + 8, mac, HSRP_MAC);
    memcpy(arp + 14, a->b, 4);
    memset(arp + 18, 0xff, HSRP_MAC);
    memcpy(arp + 24, a->b, 4);
}

bool arp_claim(const uint8_t *frame, size_t n, uint8_t mac[HSRP_MAC], struct addr *a)
{
    const uint8_t *arp = frame + ETHER;
    if (n < ARP_FRAME || get16(frame + 12) != TYPE_ARP ||
        memcmp(arp, arp_head, sizeof(arp_head)) != 0 || arp[7] < 1 || arp[7] > 2)
        return false;
    memcpy(mac, arp + 8, HSRP_MAC);
    *a = (struct addr){.family = AF_INET};
    memcpy(a->b, arp + 14, 4);
    return !addr_is_any(a); /* RFC 5227 §1.1: a probe claims nothing */
}
