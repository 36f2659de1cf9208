/* HSRP on the wire. See codec.h. */
#include "control/hsrp/codec.h"
#include <string.h>

#define V1_LENGTH    20
#define V2_GROUP     1 /* types of TLVs */
#define V2_INTERFACE 2
#define V2_TEXT      3
#define TLV_MD5      4
#define GROUP_LENGTH 40
#define IFACE_LENGTH 4
#define MD5_LENGTH   28
#define MD5_ALGO     1
#define TLV_HEAD     2

const char *hsrp_bad_name(enum hsrp_bad why)
{
    static const char *const names[HSRP_BADS] = {
        [HSRP_GOOD] = "good",
        [HSRP_BAD_LENGTH] = "wrong length",
        [HSRP_BAD_VERSION] = "wrong version",
        [HSRP_BAD_TLV] = "wrong TLV",
        [HSRP_BAD_OPCODE] = "unknown opcode",
        [HSRP_BAD_STATE] = "unknown state",
        [HSRP_BAD_GROUP] = "wrong group number",
        [HSRP_BAD_FAMILY] = "wrong address family",
        [HSRP_BAD_AUTH] = "bad authentication",
        [HSRP_BAD_SOURCE] = "from our own address",
        [HSRP_NO_GROUP] = "of no group of ours",
    };
    return names[why];
}

const char *hsrp_state_name(enum hsrp_state s)
{
    static const char *const names[HSRP_STATES] = {"Disabled", "Init",    "Learn", "Listen",
                                                   "Speak",    "Standby", "Active"};
    return names[s];
}

unsigned hsrp_groups(unsigned version)
{
    return version == 1 ? 256 : 4096;
}

struct addr hsrp_group_address(unsigned version)
{
    return addr_from_v4(version == 1 ? 0xe0000002u : 0xe0000066u);
}

void hsrp_virtual_mac(unsigned version, uint16_t group, uint8_t mac[HSRP_MAC])
{
    const uint8_t v1[HSRP_MAC] = {0, 0, 0x0c, 0x07, 0xac, (uint8_t)group};
    const uint8_t v2[HSRP_MAC] = {0, 0, 0x0c, 0x9f, (uint8_t)(0xf0 | group >> 8), (uint8_t)group};
    memcpy(mac, version == 1 ? v1 : v2, HSRP_MAC);
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint8_t *put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
    return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    return put16(put16(p, v >> 16), v);
}

static uint8_t *put(uint8_t *p, const void *from, size_t n)
{
    memcpy(p, from, n);
    return p + n;
}

static struct addr get_v4(const uint8_t *p)
{
    uint32_t v = get32(p);
    return v ? addr_from_v4(v) : (struct addr){0};
}

/* --- reading --------------------------------------------------------------------------------- */

/* State codes of version 1 are bits. */
static const uint8_t v1_state[HSRP_STATES] = {
    [HSRP_INIT] = 0,  [HSRP_LEARN] = 1,   [HSRP_LISTEN] = 2,
    [HSRP_SPEAK] = 4, [HSRP_STANDBY] = 8, [HSRP_ACTIVE] = 16};

static bool state_of_v1(uint8_t code, enum hsrp_state *out)
{
    for (unsigned s = HSRP_INIT; s < HSRP_STATES; s++)
        if (v1_state[s] == code) {
            *out = (enum hsrp_state)s;
            return true;
        }
    return false;
}

static enum hsrp_bad parse_md5(const uint8_t *p, size_t len, struct hsrp_message *m)
{
    if (len != MD5_LENGTH || p[0] != MD5_ALGO)
        return HSRP_BAD_TLV;
    m->auth = HSRP_AUTH_MD5;
    m->md5.sender = get_v4(p + 4);
    m->md5.key = get32(p + 8);
    memcpy(m->md5.digest, p + 12, HSRP_MD5);
    return HSRP_GOOD;
}

static enum hsrp_bad parse_v1(const uint8_t *p, size_t n, struct hsrp_message *m)
{
    if (n < 2)
        return HSRP_BAD_LENGTH;
    if (p[0] != 0)
        return HSRP_BAD_VERSION;
    if (p[1] > HSRP_ADVERTISE)
        return HSRP_BAD_OPCODE;
    m->op = (enum hsrp_op)p[1];
    if (m->op == HSRP_ADVERTISE) /* of no group: who is active or passive there (ICMP redirects) */
        return n == 16 ? HSRP_GOOD : HSRP_BAD_LENGTH;
    if (n != V1_LENGTH && n != V1_LENGTH + TLV_HEAD + MD5_LENGTH)
        return HSRP_BAD_LENGTH;
    if (!state_of_v1(p[2], &m->state))
        return HSRP_BAD_STATE;
    m->hello_ms = 1000u * p[3];
    m->hold_ms = 1000u * p[4];
    m->priority = p[5];
    m->group = p[6];
    m->auth = HSRP_AUTH_TEXT;
    memcpy(m->text, p + 8, HSRP_TEXT);
    m->vip = get_v4(p + 16);
    if (n == V1_LENGTH)
        return HSRP_GOOD;
    if (p[V1_LENGTH] != TLV_MD5)
        return HSRP_BAD_TLV;
    return parse_md5(p + V1_LENGTH + TLV_HEAD, p[V1_LENGTH + 1], m);
}

static enum hsrp_bad parse_group(const uint8_t *p, size_t len, struct hsrp_message *m)
{
    if (len != GROUP_LENGTH)
        return HSRP_BAD_TLV;
    if (p[0] != 2)
        return HSRP_BAD_VERSION;
    if (p[1] > HSRP_RESIGN)
        return HSRP_BAD_OPCODE;
    if (p[2] >= HSRP_STATES)
        return HSRP_BAD_STATE;
    if (p[3] != 4)
        return HSRP_BAD_FAMILY; /* 6 is known, but no group of ours speaks IPv6 yet */
    m->op = (enum hsrp_op)p[1];
    m->state = (enum hsrp_state)p[2];
    m->group = get16(p + 4);
    if (m->group >= hsrp_groups(2))
        return HSRP_BAD_GROUP;
    memcpy(m->mac, p + 6, HSRP_MAC);
    m->priority = get32(p + 12);
    m->hello_ms = get32(p + 16);
    m->hold_ms = get32(p + 20);
    m->vip = get_v4(p + 24);
    return HSRP_GOOD;
}

/* Of the types that we know each at most once, the digest at the end; others are passed over. */
static enum hsrp_bad parse_v2(const uint8_t *p, size_t n, struct hsrp_message *m)
{
    bool group = false, other = false;
    while (n) {
        if (n < TLV_HEAD || n - TLV_HEAD < p[1])
            return HSRP_BAD_LENGTH;
        uint8_t type = p[0], len = p[1];
        const uint8_t *v = p + TLV_HEAD;
        enum hsrp_bad why = HSRP_GOOD;
        p = v + len;
        n -= (size_t)TLV_HEAD + len;
        if (type == V2_GROUP) {
            why = group ? HSRP_BAD_TLV : parse_group(v, len, m);
            group = true;
        } else if (type == V2_INTERFACE) {
            why = len == IFACE_LENGTH ? HSRP_GOOD : HSRP_BAD_TLV;
            other = true;
        } else if (type == V2_TEXT) {
            if (m->auth != HSRP_AUTH_NONE || len != HSRP_TEXT)
                return HSRP_BAD_TLV;
            m->auth = HSRP_AUTH_TEXT;
            memcpy(m->text, v, HSRP_TEXT);
        } else if (type == TLV_MD5) {
            why = m->auth == HSRP_AUTH_NONE && !n ? parse_md5(v, len, m) : HSRP_BAD_TLV;
        }
        if (why)
            return why;
    }
    if (!group && other)
        m->op = HSRP_ADVERTISE;
    return group || other ? HSRP_GOOD : HSRP_BAD_LENGTH;
}

enum hsrp_bad hsrp_parse(unsigned version, const uint8_t *p, size_t n, struct hsrp_message *out)
{
    *out = (struct hsrp_message){.version = (uint8_t)version};
    return version == 1 ? parse_v1(p, n, out) : parse_v2(p, n, out);
}

/* --- writing --------------------------------------------------------------------------------- */

static uint8_t *put_md5(uint8_t *p, const struct hsrp_message *m)
{
    *p++ = TLV_MD5;
    *p++ = MD5_LENGTH;
    *p++ = MD5_ALGO;
    *p++ = 0;
    p = put16(p, 0); /* flags */
    p = put32(p, addr_v4(&m->md5.sender));
    p = put32(p, m->md5.key);
    return put(p, m->md5.digest, HSRP_MD5);
}

/* Milliseconds that are no whole seconds cannot be told. */
static uint8_t seconds(uint32_t ms)
{
    return ms % 1000 == 0 && ms / 1000 <= UINT8_MAX ? (uint8_t)(ms / 1000) : 0;
}

static uint8_t *write_v1(const struct hsrp_message *m, uint8_t *p)
{
    *p++ = 0;
    *p++ = (uint8_t)m->op;
    *p++ = v1_state[m->state];
    *p++ = seconds(m->hello_ms);
    *p++ = seconds(m->hold_ms);
    *p++ = (uint8_t)(m->priority < UINT8_MAX ? m->priority : UINT8_MAX);
    *p++ = (uint8_t)m->group;
    *p++ = 0;
    p = put(p, m->text, HSRP_TEXT);
    p = put32(p, addr_v4(&m->vip));
    return m->auth == HSRP_AUTH_MD5 ? put_md5(p, m) : p;
}

static uint8_t *write_v2(const struct hsrp_message *m, uint8_t *p)
{
    static const uint8_t rest_of_ip[12];
    *p++ = V2_GROUP;
    *p++ = GROUP_LENGTH;
    *p++ = 2;
    *p++ = (uint8_t)m->op;
    *p++ = (uint8_t)m->state;
    *p++ = 4;
    p = put16(p, m->group);
    p = put(p, m->mac, HSRP_MAC);
    p = put32(p, m->priority);
    p = put32(p, m->hello_ms);
    p = put32(p, m->hold_ms);
    p = put32(p, addr_v4(&m->vip));
    p = put(p, rest_of_ip, sizeof(rest_of_ip));
    if (m->auth == HSRP_AUTH_MD5)
        return put_md5(p, m);
    if (m->auth == HSRP_AUTH_NONE)
        return p;
    *p++ = V2_TEXT;
    *p++ = HSRP_TEXT;
    return put(p, m->text, HSRP_TEXT);
}

size_t hsrp_write(const struct hsrp_message *m, uint8_t out[HSRP_MESSAGE])
{
    return (size_t)((m->version == 1 ? write_v1(m, out) : write_v2(m, out)) - out);
}
