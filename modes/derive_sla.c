/* From the tree to the intent: measurements (control/sla/sla.h). */
#include "lib/str.h"
#include "modes/derive.h"
#include <stdlib.h>
#include <string.h>

#define ECHO_SIZE    28u
#define UDP_SIZE     16u
#define ECHO_PATTERN 0xABCDABCDu
#define LIFE         3600u

/* What holds for one of which only the number is said. */
static struct intent_sla defaults(uint64_t number)
{
    return (struct intent_sla){.number = (uint32_t)number,
                               .packets = 1,
                               .frequency = 60,
                               .timeout = 5000,
                               .threshold = 5000,
                               .size = ECHO_SIZE,
                               .pattern = ECHO_PATTERN,
                               .life = LIFE};
}

static void schedule(const struct derive *d, struct intent_sla *s, const struct a_sla_schedule *a)
{
    s->scheduled = true;
    s->zone = derive_zone(d->tree->root);
    s->life = a->forever ? SLA_FOREVER : a->has_life ? (uint32_t)a->life : LIFE;
    s->ageout = a->has_ageout ? (uint32_t)a->ageout : 0;
    s->recurring = a->recurring;
    if (a->now) {
        s->start = SLA_START_NOW;
    } else if (a->has_after) {
        s->start = SLA_START_AFTER;
        s->start_time = (uint32_t)a->after;
    } else if (a->has_start) {
        s->start = SLA_START_AT;
        s->start_time = (uint32_t)a->start;
        s->start_month = a->has_month ? (uint8_t)(a->month + 1) : 0;
        s->start_day = a->has_month ? (uint8_t)a->day : 0;
    }
}

/* IOS has the same words. */
static struct a_sla_schedule same_schedule(const struct a_ip_sla_schedule *a)
{
    return (struct a_sla_schedule){.has_life = a->has_life,
                                   .life = a->life,
                                   .has_start = a->has_start,
                                   .start = a->start,
                                   .has_after = a->has_after,
                                   .after = a->after,
                                   .has_month = a->has_month,
                                   .month = a->month,
                                   .has_day = a->has_day,
                                   .day = a->day,
                                   .has_ageout = a->has_ageout,
                                   .ageout = a->ageout,
                                   .forever = a->forever,
                                   .now = a->now,
                                   .pending = a->pending,
                                   .recurring = a->recurring};
}

/* The one number of a leaf, where it stands. */
#define NUMBER(of, entry, type, to)                                                                \
    do {                                                                                           \
        const struct cfg_node *leaf_ = cfg_first(of, entry);                                       \
        if (leaf_)                                                                                 \
            (to) = (uint32_t)CFG_ARGS(leaf_, type)->n;                                             \
    } while (0)

static void asa_monitor(struct derive *d, const struct cfg_node *n)
{
    const struct cfg_node *echo = cfg_first(n, E_SLA_TYPE);
    const struct cfg_node *when = cfg_first(n, E_SLA_SCHEDULE);
    if (!echo)
        return;
    const struct a_sla_type *a = CFG_ARGS(echo, sla_type);
    const struct intent_if *f = derive_find_if(d, a->nameif);
    struct intent_sla *s = &d->out->sla[d->out->n_sla++];
    *s = defaults(CFG_ARGS(n, sla_monitor)->id);
    s->target = a->target;
    s->bound = true;
    str_copy(s->ifname, sizeof s->ifname, f ? f->name : "");
    NUMBER(echo, E_SLA_PACKETS, sla_packets, s->packets);
    NUMBER(echo, E_SLA_SIZE, sla_size, s->size);
    NUMBER(echo, E_SLA_THRESHOLD, sla_threshold, s->threshold);
    NUMBER(echo, E_SLA_TIMEOUT, sla_timeout, s->timeout);
    NUMBER(echo, E_SLA_FREQUENCY, sla_frequency, s->frequency);
    const struct cfg_node *tos = cfg_first(echo, E_SLA_TOS);
    s->tos = tos ? (uint8_t)CFG_ARGS(tos, sla_tos)->n : 0;
    if (when)
        schedule(d, s, CFG_ARGS(when, sla_schedule));
}

/* --- IOS -----------------------------------------------------------------------------------------
 */

/* "ABCD" is 0xABCDABCD: the digits come again and again. */
static uint32_t pattern(const char *hex)
{
    char full[9];
    size_t n = strlen(hex);
    for (size_t i = 0; n && i < 8; i++)
        full[i] = hex[i % n];
    full[8] = '\0';
    return n ? (uint32_t)strtoul(full, NULL, 16) : ECHO_PATTERN;
}

static void ios_options(struct intent_sla *s, const struct cfg_node *type)
{
    const struct cfg_node *tos = cfg_first(type, E_IP_SLA_TOS);
    const struct cfg_node *hex = cfg_first(type, E_IP_SLA_PATTERN);
    NUMBER(type, E_IP_SLA_SIZE, ip_sla_size, s->size);
    NUMBER(type, E_IP_SLA_UDP_SIZE, ip_sla_udp_size, s->size);
    NUMBER(type, E_IP_SLA_THRESHOLD, ip_sla_threshold, s->threshold);
    NUMBER(type, E_IP_SLA_TIMEOUT, ip_sla_timeout, s->timeout);
    NUMBER(type, E_IP_SLA_FREQUENCY, ip_sla_frequency, s->frequency);
    s->tos = tos ? (uint8_t)CFG_ARGS(tos, ip_sla_tos)->n : 0;
    s->verify = cfg_first(type, E_IP_SLA_VERIFY) != NULL;
    if (hex)
        s->pattern = pattern(CFG_ARGS(hex, ip_sla_pattern)->hex);
}

/* The three kinds name target and source alike; of ICMP there are no ports. */
static const struct cfg_node *ios_type(const struct cfg_node *n, struct intent_sla *s)
{
    const struct cfg_node *icmp = cfg_first(n, E_IP_SLA_ICMP);
    const struct cfg_node *udp = cfg_first(n, E_IP_SLA_UDP);
    const struct cfg_node *tcp = cfg_first(n, E_IP_SLA_TCP);
    const char *ifname = NULL;
    if (icmp) {
        const struct a_ip_sla_icmp *a = CFG_ARGS(icmp, ip_sla_icmp);
        s->target = a->target;
        s->source = a->source;
        ifname = a->has_ifname ? a->ifname : NULL;
    } else if (udp) {
        const struct a_ip_sla_udp *a = CFG_ARGS(udp, ip_sla_udp);
        s->type = SLA_UDP_ECHO;
        s->size = UDP_SIZE;
        s->target = a->target;
        s->source = a->source;
        s->port = (uint16_t)a->port;
        s->source_port = a->has_sport ? (uint16_t)a->sport : 0;
        ifname = a->has_ifname ? a->ifname : NULL;
    } else if (tcp) {
        const struct a_ip_sla_tcp *a = CFG_ARGS(tcp, ip_sla_tcp);
        s->type = SLA_TCP_CONNECT;
        s->target = a->target;
        s->source = a->source;
        s->port = (uint16_t)a->port;
        s->source_port = a->has_sport ? (uint16_t)a->sport : 0;
        ifname = a->has_ifname ? a->ifname : NULL;
    }
    str_copy(s->ifname, sizeof s->ifname, ifname ? ifname : "");
    return icmp ? icmp : udp ? udp : tcp;
}

static void ios_entry(struct derive *d, const struct cfg_node *n)
{
    const struct cfg_node *when = cfg_first(n, E_IP_SLA_SCHEDULE);
    struct intent_sla s = defaults(CFG_ARGS(n, ip_sla)->id);
    const struct cfg_node *type = ios_type(n, &s);
    if (!type)
        return;
    ios_options(&s, type);
    if (when) {
        struct a_sla_schedule same = same_schedule(CFG_ARGS(when, ip_sla_schedule));
        schedule(d, &s, &same);
    }
    d->out->sla[d->out->n_sla++] = s;
}

void derive_sla(struct derive *d)
{
    const struct cfg_node *root = d->tree->root;
    struct intent *out = d->out;
    out->sla = arena_array(&out->arena, struct intent_sla,
                           cfg_count(root, E_SLA_MONITOR) + cfg_count(root, E_IP_SLA));
    if (!out->sla)
        return;
    cfg_each(root, E_SLA_MONITOR, n) asa_monitor(d, n);
    cfg_each(root, E_IP_SLA, n) ios_entry(d, n);
}
