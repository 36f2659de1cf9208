/*
 * Groups of addresses and services of IOS, and time ranges. See check_system.c for what a check
 * may do.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- groups ------------------------------------------------------------------------------------
 */

/* The group that a member stands for; NULL: it is no group. */
static const char *member_group(const struct cfg_node *m)
{
    if (m->entry == E_NET_MEMBER_IOS && CFG_ARGS(m, net_member_ios)->has_group)
        return CFG_ARGS(m, net_member_ios)->group;
    if (m->entry == E_SERVICE_MEMBER_IOS && CFG_ARGS(m, service_member_ios)->has_group)
        return CFG_ARGS(m, service_member_ios)->group;
    return NULL;
}

/* Does the group, or one below it, hold `what`? Bounded, as nesting is. */
static bool holds(const struct cfg_tree *tree, uint16_t kind, const char *group, const char *what,
                  unsigned depth)
{
    if (strcmp(group, what) == 0 || depth == 0)
        return true;
    const struct cfg_node *g = cfg_find_word(tree->root, kind, group);
    for (const struct cfg_node *m = g ? g->first : NULL; m; m = m->next) {
        const char *below = member_group(m);
        if (below && holds(tree, kind, below, what, depth - 1))
            return true;
    }
    return false;
}

void group_ios_expected(struct txn *t, uint16_t kind, const char *name)
{
    if (!cfg_find_word(t->tree->root, kind, name))
        txn_note(t,
                 "WARNING: object-group \"%s\" is not configured yet; this line takes effect when "
                 "it is.",
                 name);
}

static int group_in_group(struct txn *t, const struct cfg_node *n, const char *self)
{
    const char *group = member_group(n);
    uint16_t kind = n->parent->entry;
    if (!group)
        return 0;
    if (holds(t->tree, kind, group, self, DERIVE_GROUP_DEPTH))
        return txn_refuse(t, "%% Object-group %s would contain itself", group);
    group_ios_expected(t, kind, group);
    return 0;
}

/* Is a group spoken of by a rule, or by another group of its kind? */
static bool in_use(const struct cfg_tree *tree, uint16_t kind, const char *name)
{
    cfg_each(tree->root, E_ACL_EXT, acl)
    {
        cfg_each(acl, E_ACE_EXT, e)
        {
            const struct a_ace_ext *a = CFG_ARGS(e, ace_ext);
            const char *said[3] = {a->has_service ? a->service : NULL,
                                   a->has_src_group ? a->src_group : NULL,
                                   a->has_dst_group ? a->dst_group : NULL};
            unsigned from = kind == E_GROUP_SERVICE_IOS ? 0 : 1;
            unsigned to = kind == E_GROUP_SERVICE_IOS ? 1 : 3;
            for (unsigned i = from; i < to; i++)
                if (said[i] && strcmp(said[i], name) == 0)
                    return true;
        }
    }
    cfg_each(tree->root, kind, g)
    {
        for (const struct cfg_node *m = g->first; m; m = m->next) {
            const char *below = member_group(m);
            if (below && strcmp(below, name) == 0)
                return true;
        }
    }
    return false;
}

static int check_removal(struct txn *t, uint16_t kind, const char *name)
{
    return in_use(t->tree, kind, name)
               ? txn_refuse(t, "%% Object-group %s is in use and cannot be removed", name)
               : 0;
}

int group_net_ios_check(struct txn *t, struct cfg_node *n, const struct a_group_net_ios *a,
                        bool negate)
{
    (void)a;
    return negate ? check_removal(t, n->entry, CFG_ARGS(n, group_net_ios)->name) : 0;
}

int group_service_ios_check(struct txn *t, struct cfg_node *n, const struct a_group_service_ios *a,
                            bool negate)
{
    (void)a;
    return negate ? check_removal(t, n->entry, CFG_ARGS(n, group_service_ios)->name) : 0;
}

int net_member_ios_check(struct txn *t, struct cfg_node *n, const struct a_net_member_ios *a,
                         bool negate)
{
    if (negate)
        return 0;
    if (a->has_lo && addr_cmp(&a->lo, &a->hi) > 0)
        return txn_refuse(t, "%% The first address of the range is above the last");
    uint32_t mask = a->has_addr ? addr_v4(&a->mask) : UINT32_MAX;
    if (a->has_addr && addr_v4(&a->addr) & ~mask) { /* bits of hosts do not count */
        struct a_net_member_ios kept = *a;
        struct cfg_node *group = n->parent;
        kept.addr = addr_from_v4(addr_v4(&a->addr) & mask);
        return txn_remove(t, n) == 0 && txn_set(t, group, E_NET_MEMBER_IOS, &kept) ? 0 : -1;
    }
    return group_in_group(t, n, CFG_ARGS(n->parent, group_net_ios)->name);
}

int service_member_ios_check(struct txn *t, struct cfg_node *n,
                             const struct a_service_member_ios *a, bool negate)
{
    bool ports = a->has_sport_eq || a->has_sport_gt || a->has_sport_lt || a->has_sport_lo ||
                 a->has_dport_eq || a->has_dport_gt || a->has_dport_lt || a->has_dport_lo;
    if (negate)
        return 0;
    if (ports && !a->tcpudp && a->proto != IPPROTO_TCP && a->proto != IPPROTO_UDP)
        return txn_refuse(t, "%% Ports need the protocol tcp or udp");
    if ((a->has_icmp || a->has_icmpnum) && a->proto != IPPROTO_ICMP)
        return txn_refuse(t, "%% An ICMP message needs the protocol icmp");
    if ((a->has_sport_lo && a->sport_lo > a->sport_hi) ||
        (a->has_dport_lo && a->dport_lo > a->dport_hi))
        return txn_refuse(t, "%% The first port of the range is above the last");
    return group_in_group(t, n, CFG_ARGS(n->parent, group_service_ios)->name);
}

/* --- time ranges -------------------------------------------------------------------------------
 */

/* False where it is no time of day. IOS writes "8:05" in a period that comes again, "08:05" in one
 * with a date. */
static bool time_text(const char *text, bool date, char out[8])
{
    unsigned h, m;
    char behind;
    if (sscanf(text, "%2u:%2u%c", &h, &m, &behind) != 2 || h > 23 || m > 59 ||
        strlen(strchr(text, ':')) != 3)
        return false;
    snprintf(out, 8, date ? "%02u:%02u" : "%u:%02u", h, m);
    return true;
}

static int bad_time(struct txn *t)
{
    return txn_refuse(t, "%% Invalid time of day or day of the month");
}

/* The day of the month has two digits when it is printed. */
static bool moment(char **time, char **day, char time_out[8], char day_out[8])
{
    unsigned d = (unsigned)strtoul(*day, NULL, 10);
    if (!time_text(*time, true, time_out) || strspn(*day, "0123456789") != strlen(*day) || d < 1 ||
        d > 31)
        return false;
    snprintf(day_out, 8, "%02u", d);
    *time = time_out;
    *day = day_out;
    return true;
}

int time_absolute_check(struct txn *t, struct cfg_node *n, const struct a_time_absolute *a,
                        bool negate)
{
    struct a_time_absolute kept = *a;
    char text[4][8];
    if (negate)
        return 0;
    if ((a->has_from_time && !moment(&kept.from_time, &kept.from_day, text[0], text[1])) ||
        (a->has_to_time && !moment(&kept.to_time, &kept.to_day, text[2], text[3])))
        return bad_time(t);
    return txn_set(t, n->parent, E_TIME_ABSOLUTE, &kept) ? 0 : -1;
}

int time_periodic_check(struct txn *t, struct cfg_node *n, const struct a_time_periodic *a,
                        bool negate)
{
    struct a_time_periodic kept = *a;
    struct cfg_node *range = n->parent;
    char text[2][8];
    if (negate || !txn_created(t, n))
        return 0;
    if (!time_text(kept.from, false, text[0]) || !time_text(kept.to, false, text[1]))
        return bad_time(t);
    if (strcmp(a->from, text[0]) == 0 && strcmp(a->to, text[1]) == 0)
        return 0;
    kept.from = text[0];
    kept.to = text[1];
    return txn_remove(t, n) == 0 && txn_set(t, range, E_TIME_PERIODIC, &kept) ? 0 : -1;
}
