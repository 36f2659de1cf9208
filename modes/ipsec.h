/*
 * What the shows of IPsec have in common, whatever the layout: counters of an SA that may not be
 * there, and pieces of text.
 */
#ifndef TANDEM_MODES_IPSEC_H
#define TANDEM_MODES_IPSEC_H

#include "control/crypto/wanted.h"
#include "modes/render.h"

#define LLU(x) (unsigned long long)(x)

/* Counters; of no SA they are 0. */
static inline uint64_t ipsec_packets(const struct dp_counters *c)
{
    return c ? dp_read(&c->packets) : 0;
}

static inline uint64_t ipsec_drops(const struct dp_counters *c, enum dp_cause cause)
{
    return c ? dp_read(&c->drops[cause]) : 0;
}

static inline uint64_t ipsec_all_drops(const struct dp_counters *c)
{
    uint64_t n = 0;
    for (unsigned i = 0; c && i < DP_CAUSES; i++)
        n += dp_read(&c->drops[i]);
    return n;
}

/* What wanted protection and found no SA; of a line of a map it counts while there is none. */
static inline uint64_t ipsec_unprotected(const struct dp_counters *c)
{
    return ipsec_drops(c, DP_NO_SA) + ipsec_drops(c, DP_QUEUE_FULL) + ipsec_drops(c, DP_PASSIVE);
}

/* Of packets on their way out. That a sender is told what fits (RFC 1191) is no error: it has a
 * counter of its own. */
static inline uint64_t ipsec_send_errors(const struct dp_counters *c)
{
    uint64_t told = c ? dp_read(&c->pmtu_sent) : 0, big = ipsec_drops(c, DP_TOO_BIG);
    return ipsec_all_drops(c) - (told < big ? told : big);
}

/* Bytes that count against the lifetime of an SA direction: with those of another box. */
static inline uint64_t ipsec_used(const struct dp_counters *d)
{
    return d ? dp_read(&d->bytes) + dp_read(&d->before) : 0;
}

/* Seconds and kilobytes that an SA direction still has; kilobytes 0 where they are not limited. */
static inline uint64_t ipsec_seconds_left(const struct ike_child_state *c, usec_t now)
{
    return c->expires > now ? (uint64_t)((c->expires - now) / USEC_PER_SEC) : 0;
}

static inline uint64_t ipsec_kbytes_left(const struct ike_child_state *c,
                                         const struct dp_counters *d)
{
    uint64_t used = ipsec_used(d) / 1024;
    return used < c->life_kbytes ? c->life_kbytes - used : 0;
}

/* The peer of an identity: of its SA, or tried last, or the first of its entry; maybe unset. */
struct addr ipsec_peer(const struct query_identity *q);
/* Our end in text; 0.0.0.0 as long as there is none. */
const char *ipsec_local(const struct query_identity *q, char buf[ADDR_STRLEN]);
/* Its SAs are another box's, which this one is ready to go on with. */
static inline bool ipsec_is_standby(const struct query_identity *q)
{
    return q->sa && q->sa->passive;
}

/* An SA's number for people: those that two boxes have are counted by themselves. */
static inline uint32_t ipsec_conn_id(uint32_t sa)
{
    return sa & ~WANTED_SHARED;
}

/* "(10.1.1.0/255.255.255.0/0/0)" and a newline. */
void ipsec_ident(struct str *out, const struct addr_range *r, uint8_t proto,
                 const uint16_t port[2]);
/* "esp-256-aes esp-sha256-hmac ", as IOS has it; ah: of the AH around it. */
void ipsec_transform_ios(struct str *out, const struct ike_child_state *c, bool ah);
/* "ah-md5-hmac esp-aes " of a transform set. */
void ipsec_set_ios(struct str *out, const struct ike_esp_proposal *p);

/* The number of a session of the ASA, by which it is ended, too. */
static inline uint32_t session_index(const struct ike_sa_state *sa)
{
    return sa->session_id ? sa->session_id : sa->tunnel_id;
}

#endif
