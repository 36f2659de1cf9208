/*
 * Access lists of IOS: names, the form in which a rule is kept, and sequence numbers. See
 * check_system.c for what a check may do.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SEQ_STEP 10

/* --- names -------------------------------------------------------------------------------------
 */

/* A name begins with a letter, and is not that of a list of the other kind. */
static int check_name(struct txn *t, bool has_name, const char *name, uint16_t other)
{
    if (!has_name)
        return 0;
    if (name[0] >= '0' && name[0] <= '9')
        return txn_refuse(t, "%% Invalid access list name.");
    cfg_each(t->tree->root, other, n)
    {
        char theirs[INTENT_NAME];
        acl_ios_name(n, theirs);
        if (strcmp(theirs, name) == 0)
            return txn_refuse(t, "A named %s IP access list with this name already exists",
                              other == E_ACL_STD ? "standard" : "extended");
    }
    return 0;
}

int acl_std_check(struct txn *t, struct cfg_node *n, const struct a_acl_std *a, bool negate)
{
    (void)n;
    return negate ? 0 : check_name(t, a->has_name, a->name, E_ACL_EXT);
}

int acl_ext_check(struct txn *t, struct cfg_node *n, const struct a_acl_ext *a, bool negate)
{
    (void)n;
    return negate ? 0 : check_name(t, a->has_name, a->name, E_ACL_STD);
}

/* --- the form in which a rule is kept ----------------------------------------------------------
 */

struct end { /* what one end of a rule is, to be changed where it stands */
    bool *any, *has_host, *has_addr, *has_wild;
    struct addr *host, *addr, *wild;
};

/* `A 0.0.0.0` is `host A`, `A 255.255.255.255` is `any`, and bits that do not count are zero. */
static void canonical(const struct end *e)
{
    if (!*e->has_addr)
        return;
    uint32_t w = *e->has_wild ? addr_v4(e->wild) : 0;
    *e->addr = addr_from_v4(addr_v4(e->addr) & ~w);
    if (w != 0 && w != UINT32_MAX)
        return;
    *e->any = w == UINT32_MAX;
    *e->has_host = w == 0;
    *e->host = w == 0 ? *e->addr : (struct addr){0};
    *e->has_addr = *e->has_wild = false;
    *e->addr = *e->wild = (struct addr){0};
}

static void canonical_ext(struct a_ace_ext *a)
{
    const struct end src = {&a->src_any,  &a->has_src_host, &a->has_src_addr, &a->has_src_wild,
                            &a->src_host, &a->src_addr,     &a->src_wild};
    const struct end dst = {&a->dst_any,  &a->has_dst_host, &a->has_dst_addr, &a->has_dst_wild,
                            &a->dst_host, &a->dst_addr,     &a->dst_wild};
    canonical(&src);
    canonical(&dst);
}

/* A standard list writes a host as its address alone. */
static void canonical_std(struct a_ace_std *a)
{
    const struct end src = {&a->any,  &a->has_host, &a->has_addr, &a->has_wild,
                            &a->host, &a->addr,     &a->wild};
    canonical(&src);
    if (!a->has_host)
        return;
    a->has_addr = true;
    a->addr = a->host;
    a->has_host = false;
    a->host = (struct addr){0};
}

static bool has_ports(const struct a_ace_ext *a)
{
    return a->has_sport_eq || a->has_sport_neq || a->has_sport_gt || a->has_sport_lt ||
           a->has_sport_lo || a->has_dport_eq || a->has_dport_neq || a->has_dport_gt ||
           a->has_dport_lt || a->has_dport_lo;
}

static int check_wild(struct txn *t, bool has, const struct addr *wild)
{
    if (!has || derive_wildcard_ok(wild))
        return 0;
    return txn_refuse(t, "%% At most %d bits of a wildcard may be scattered", DERIVE_WILD_BITS);
}

static void expect_groups(struct txn *t, const struct a_ace_ext *a)
{
    if (a->has_service)
        group_ios_expected(t, E_GROUP_SERVICE_IOS, a->service);
    if (a->has_src_group)
        group_ios_expected(t, E_GROUP_NET_IOS, a->src_group);
    if (a->has_dst_group)
        group_ios_expected(t, E_GROUP_NET_IOS, a->dst_group);
}

static int check_rule(struct txn *t, const struct a_ace_ext *a)
{
    if (a->has_service && (has_ports(a) || a->m_established || a->has_icmp || a->has_icmpnum))
        return txn_refuse(t, "%% Ports and messages are those of the object-group");
    if (has_ports(a) && a->proto != IPPROTO_TCP && a->proto != IPPROTO_UDP)
        return txn_refuse(t, "%% Ports need the protocol tcp or udp");
    if (a->m_established && a->proto != IPPROTO_TCP)
        return txn_refuse(t, "%% `established' needs the protocol tcp");
    if ((a->has_icmp || a->has_icmpnum) && a->proto != IPPROTO_ICMP)
        return txn_refuse(t, "%% An ICMP message needs the protocol icmp");
    if ((a->has_sport_lo && a->sport_lo > a->sport_hi) ||
        (a->has_dport_lo && a->dport_lo > a->dport_hi))
        return txn_refuse(t, "%% The first port of the range is above the last");
    return check_wild(t, a->has_src_wild, &a->src_wild) < 0 ||
                   check_wild(t, a->has_dst_wild, &a->dst_wild) < 0
               ? -1
               : 0;
}

/* --- sequence numbers --------------------------------------------------------------------------
 */

/* The number of a rule, 0 of a remark. */
static uint64_t seq_of(const struct cfg_node *n)
{
    return n->entry == E_ACE_STD ? CFG_ARGS(n, ace_std)->seq : CFG_ARGS(n, ace_ext)->seq;
}

/* IOS goes on with the next multiple of ten; 0: the number asked for stands there already. */
static uint64_t seq_for(const struct cfg_node *self, bool asked, uint64_t seq)
{
    uint64_t most = 0;
    for (const struct cfg_node *n = cfg_first(self->parent, self->entry); n; n = cfg_next(n)) {
        if (n == self)
            continue;
        if (asked && seq_of(n) == seq)
            return 0;
        if (seq_of(n) > most)
            most = seq_of(n);
    }
    return asked ? seq : (most / SEQ_STEP + 1) * SEQ_STEP;
}

/* Keeps args in the place of n: the number gives the place, so the node is made anew. */
static int keep(struct txn *t, struct cfg_node *n, uint64_t seq, const void *args)
{
    struct cfg_node *acl = n->parent;
    if (!seq)
        return txn_refuse(t, "%% Duplicate sequence number");
    return txn_remove(t, n) == 0 && txn_set(t, acl, n->entry, args) ? 0 : -1;
}

int ace_std_check(struct txn *t, struct cfg_node *n, const struct a_ace_std *a, bool negate)
{
    if (negate || a->has_remark || !txn_created(t, n)) /* the same rule again changes nothing */
        return 0;
    if (check_wild(t, a->has_wild, &a->wild) < 0)
        return -1;
    struct a_ace_std kept = *a;
    canonical_std(&kept);
    kept.seq = seq_for(n, a->has_seq, a->seq);
    kept.has_seq = true;
    return keep(t, n, kept.seq, &kept);
}

int ace_ext_check(struct txn *t, struct cfg_node *n, const struct a_ace_ext *a, bool negate)
{
    if (negate || a->has_remark || !txn_created(t, n))
        return 0;
    if (check_rule(t, a) < 0)
        return -1;
    expect_groups(t, a);
    struct a_ace_ext kept = *a;
    canonical_ext(&kept);
    kept.seq = seq_for(n, a->has_seq, a->seq);
    kept.has_seq = true;
    return keep(t, n, kept.seq, &kept);
}

/* --- ip access-list resequence -----------------------------------------------------------------
 */

struct renumbering {
    const struct cfg_node *acl;
    uint16_t entry;
    uint64_t start, step;
};

static struct cfg_node *set_seq(struct txn *t, struct cfg_node *acl, uint16_t entry,
                                const void *args, uint64_t seq)
{
    if (entry == E_ACE_STD) {
        struct a_ace_std a = *(const struct a_ace_std *)args;
        a.seq = seq;
        return txn_set(t, acl, entry, &a);
    }
    struct a_ace_ext a = *(const struct a_ace_ext *)args;
    a.seq = seq;
    return txn_set(t, acl, entry, &a);
}

static int renumber(struct txn *t, void *ctx)
{
    const struct renumbering *r = (const struct renumbering *)ctx;
    struct cfg_node *acl = txn_node(t, r->acl);
    size_t n = cfg_count(acl, r->entry);
    uint64_t seq = r->start;
    /* What a removed node holds lives until the transaction ends. */
    const struct cfg_node **was = (const struct cfg_node **)calloc(n ? n : 1, sizeof *was);
    bool good = was != NULL;
    for (size_t i = 0; good && i < n; i++) {
        was[i] = cfg_first(acl, r->entry);
        good = txn_remove(t, txn_node(t, was[i])) == 0;
    }
    for (size_t i = 0; good && i < n; i++) {
        uint64_t old = seq_of(was[i]);
        good = set_seq(t, acl, r->entry, was[i]->args, old ? seq : 0) != NULL;
        seq += old ? r->step : 0;
    }
    free(was);
    return good ? 0 : -1;
}

const struct cfg_node *acl_ios_find(const struct cfg_tree *tree, const char *name)
{
    static const uint16_t kinds[] = {E_ACL_STD, E_ACL_EXT};
    for (unsigned i = 0; i < 2; i++) {
        cfg_each(tree->root, kinds[i], n)
        {
            char text[INTENT_NAME];
            acl_ios_name(n, text);
            if (strcmp(text, name) == 0)
                return n;
        }
    }
    return NULL;
}

int acl_resequence(struct cmd *c, const struct a_acl_resequence *a)
{
    struct renumbering r = {.acl = acl_ios_find(c->tree, a->name),
                            .start = a->has_start ? a->start : SEQ_STEP,
                            .step = a->has_step ? a->step : SEQ_STEP};
    if (!r.acl) {
        cmd_printf(c, "%% Access list %s does not exist\n", a->name);
        return CMD_REFUSED;
    }
    r.entry = r.acl->entry == E_ACL_STD ? E_ACE_STD : E_ACE_EXT;
    if (r.start + cfg_count(r.acl, r.entry) * r.step > INT32_MAX) {
        cmd_puts(c, "% Sequence numbers would exceed the maximum\n");
        return CMD_REFUSED;
    }
    cli_config(c->session->cli, renumber, &r);
    cli_edited(c->session->cli, c->session);
    return CMD_OK;
}
