/*
 * Checks of measurements (grammars/sla.cg, grammars/sla-ios.cg). One that is scheduled cannot be
 * edited: it has to be taken away, or its schedule, as on the platforms.
 */
#include "modes/internal.h"

static const struct cfg_node *type_of(const struct cfg_node *entry)
{
    static const uint16_t types[] = {E_SLA_TYPE, E_IP_SLA_ICMP, E_IP_SLA_UDP, E_IP_SLA_TCP};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct cfg_node *n = cfg_first(entry, types[i]);
        if (n)
            return n;
    }
    return NULL;
}

/* Its time has come or will come by itself. A schedule may stand before there is something to be
 * scheduled: the order of lines does not matter. */
static bool is_scheduled(const struct cfg_node *entry)
{
    const struct cfg_node *asa = cfg_first(entry, E_SLA_SCHEDULE);
    const struct cfg_node *ios = cfg_first(entry, E_IP_SLA_SCHEDULE);
    if (!type_of(entry))
        return false;
    if (asa) {
        const struct a_sla_schedule *a = CFG_ARGS(asa, sla_schedule);
        return a->now || a->has_after || a->has_start;
    }
    if (ios) {
        const struct a_ip_sla_schedule *a = CFG_ARGS(ios, ip_sla_schedule);
        return a->now || a->has_after || a->has_start;
    }
    return false;
}

static int running(struct txn *t)
{
    return txn_refuse(t, "%%Entry already running and cannot be modified\n"
                         "        (only can delete (no) and start over)\n"
                         "        (check to see if the probe has finished exiting)");
}

int sla_monitor_check(struct txn *t, struct cfg_node *n, const struct a_sla_monitor *a, bool negate)
{
    (void)a;
    return !negate && is_scheduled(n) ? running(t) : 0;
}

int ip_sla_check(struct txn *t, struct cfg_node *n, const struct a_ip_sla *a, bool negate)
{
    (void)a;
    return !negate && is_scheduled(n) ? running(t) : 0;
}

/* The day of a month; without a year it may be the 29th of February. */
static int check_day(struct txn *t, bool has_month, int month, uint64_t day)
{
    static const uint8_t days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!has_month || day <= days[month])
        return 0;
    return txn_refuse(t, t->asa ? "ERROR: Invalid date" : "%%Invalid date");
}

int sla_schedule_check(struct txn *t, struct cfg_node *n, const struct a_sla_schedule *a,
                       bool negate)
{
    (void)n;
    return negate ? 0 : check_day(t, a->has_month, a->month, a->day);
}

int ip_sla_schedule_check(struct txn *t, struct cfg_node *n, const struct a_ip_sla_schedule *a,
                          bool negate)
{
    (void)n;
    return negate ? 0 : check_day(t, a->has_month, a->month, a->day);
}

/* The type is said once. */
static int one_type(struct txn *t, const struct cfg_node *n, bool negate)
{
    static const uint16_t types[] = {E_IP_SLA_ICMP, E_IP_SLA_UDP, E_IP_SLA_TCP};
    for (size_t i = 0; !negate && i < sizeof types / sizeof *types; i++) {
        const struct cfg_node *other = cfg_first(n->parent, types[i]);
        if (other && other != n)
            return txn_refuse(t, "%%Entry has another type: only can delete (no) and start over");
    }
    return 0;
}

static int families(struct txn *t, bool has_source, const struct addr *a, const struct addr *b)
{
    if (!has_source || a->family == b->family)
        return 0;
    return txn_refuse(t, "%%Source and target are of different IP versions");
}

int ip_sla_icmp_check(struct txn *t, struct cfg_node *n, const struct a_ip_sla_icmp *a, bool negate)
{
    if (one_type(t, n, negate) < 0)
        return -1;
    return negate ? 0 : families(t, a->has_source, &a->source, &a->target);
}

int ip_sla_udp_check(struct txn *t, struct cfg_node *n, const struct a_ip_sla_udp *a, bool negate)
{
    if (one_type(t, n, negate) < 0)
        return -1;
    return negate ? 0 : families(t, a->has_source, &a->source, &a->target);
}

int ip_sla_tcp_check(struct txn *t, struct cfg_node *n, const struct a_ip_sla_tcp *a, bool negate)
{
    if (one_type(t, n, negate) < 0)
        return -1;
    return negate ? 0 : families(t, a->has_source, &a->source, &a->target);
}

/* Its own operation would still wait when the next is due, which is then left out. */
int ip_sla_frequency_check(struct txn *t, struct cfg_node *n, const struct a_ip_sla_frequency *a,
                           bool negate)
{
    const struct cfg_node *l = cfg_first(n->parent, E_IP_SLA_TIMEOUT);
    uint64_t timeout = l ? CFG_ARGS(l, ip_sla_timeout)->n : 5000;
    if (!negate && a->n * 1000 < timeout)
        txn_note(t, "%%Warning: the frequency is shorter than the timeout of %u milliseconds",
                 (unsigned)timeout);
    return 0;
}
