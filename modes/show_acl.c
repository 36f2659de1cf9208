/*
 * show access-list of the ASA: what was configured, with what happened to it.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* --- one rule ----------------------------------------------------------------------------------
 */

void render_range(struct str *out, const struct addr_range *r, bool asa)
{
    struct prefix p;
    char a[PREFIX_STRLEN], b[ADDR_STRLEN];
    if (!range_to_prefix(r, &p)) {
        str_printf(out, "range %s %s", addr_print(&r->lo, a, sizeof a),
                   addr_print(&r->hi, b, sizeof b));
    } else if (p.len == 0) {
        str_add(out, p.addr.family == AF_INET6 ? "any6" : "any");
    } else if (p.len == addr_bits(&p.addr)) {
        str_printf(out, "host %s", addr_print(&p.addr, a, sizeof a));
    } else if (p.addr.family == AF_INET6) {
        str_add(out, prefix_print(&p, a, sizeof a));
    } else {
        struct addr m = addr_len_to_mask(p.addr.family, p.len);
        for (unsigned i = 0; !asa && i < 4; i++)
            m.b[i] = (uint8_t)~m.b[i]; /* IOS has wildcards */
        str_printf(out, "%s %s", addr_print(&p.addr, a, sizeof a), addr_print(&m, b, sizeof b));
    }
}

static void render_ports(struct str *out, const uint16_t port[2])
{
    if (port[0] == 0 && port[1] == UINT16_MAX)
        return;
    if (port[0] == port[1])
        str_printf(out, " eq %u", port[0]);
    else
        str_printf(out, " range %u %u", port[0], port[1]);
}

void render_ace(struct str *out, const char *acl, const struct intent_ace *e, bool asa)
{
    static const struct {
        uint8_t proto;
        const char *name;
    } names[] = {{0, "ip"},
                 {IPPROTO_ICMP, "icmp"},
                 {IPPROTO_TCP, "tcp"},
                 {IPPROTO_UDP, "udp"},
                 {IPPROTO_ICMPV6, "icmp6"}};
    bool icmp = e->sel.proto == IPPROTO_ICMP || e->sel.proto == IPPROTO_ICMPV6;
    str_printf(out, "access-list %s %s%s ", acl, asa ? "extended " : "",
               e->permit ? "permit" : "deny");
    const char *name = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].proto == e->sel.proto)
            name = names[i].name;
    if (name)
        str_printf(out, "%s ", name);
    else
        str_printf(out, "%u ", e->sel.proto);
    render_range(out, &e->sel.local, asa);
    if (!icmp)
        render_ports(out, e->sel.lport);
    str_addc(out, ' ');
    render_range(out, &e->sel.remote, asa);
    if (!icmp)
        render_ports(out, e->sel.rport);
    else if (e->sel.lport[0] >> 8 == e->sel.lport[1] >> 8)
        str_printf(out, " %u", e->sel.lport[0] >> 8);
}

/* FNV-1a: the platform prints some 32 bit hash of a line and of a name. */
static uint32_t hash(const char *text)
{
    uint32_t h = 2166136261u;
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 16777619u;
    return h;
}

/* --- show access-list --------------------------------------------------------------------------
 */

/* "access-list N line L …" out of the configured "access-list N …". */
static void with_line(struct str *out, const char *text, const char *name, uint32_t line)
{
    size_t lead = strlen("access-list ") + strlen(name);
    if (strlen(text) < lead)
        return;
    str_addn(out, text, lead);
    str_printf(out, " line %u", line);
    str_add(out, text + lead);
}

struct element {
    const struct control *control;
    const struct intent_ace *ace;
    uint64_t hits;
};

static bool add_hits(void *ctx, const struct query_identity *q)
{
    struct element *e = (struct element *)ctx;
    const struct dp_counters *d = q->ace == e->ace ? query_counters(e->control, q->slot) : NULL;
    if (d)
        e->hits += dp_read(&d->packets);
    return true;
}

/* What a line with objects stands for, each with its own count. */
static void expanded(struct cmd *c, const struct intent_acl *acl, uint32_t line)
{
    for (uint32_t i = 0; i < acl->n; i++) {
        if (acl->ace[i].line != line)
            continue;
        struct str plain = {0}, out = {0};
        render_ace(&plain, acl->name, &acl->ace[i], true);
        with_line(&out, str_text(&plain), acl->name, line);
        struct element e = {.control = c->control, .ace = &acl->ace[i]};
        query_identities(c->control, add_hits, &e);
        cmd_printf(c, "  %s (hitcnt=%llu) 0x%08x \n", str_text(&out), (unsigned long long)e.hits,
                   hash(str_text(&out)));
        str_free(&plain);
        str_free(&out);
    }
}

static const struct intent_acl *intent_list(const struct cmd *c, const char *name)
{
    const struct intent *want = query_intent(c->control);
    for (uint32_t i = 0; want && i < want->n_acl; i++)
        if (strcmp(want->acl[i].name, name) == 0)
            return &want->acl[i];
    return NULL;
}

static bool has_objects(const struct a_ace *a)
{
    return a->has_src_object || a->has_src_group || a->has_dst_object || a->has_dst_group;
}

static void one_rule(struct cmd *c, const char *name, const struct cfg_node *n, uint32_t line)
{
    const struct a_ace *a = CFG_ARGS(n, ace);
    struct str text = {0}, out = {0};
    print_node(n, c->asa, 0, &text);
    if (text.len && text.s[text.len - 1] == '\n')
        text.s[--text.len] = 0;
    with_line(&out, str_text(&text), name, line);
    if (a->has_remark)
        cmd_printf(c, "%s\n", str_text(&out));
    else
        cmd_printf(c, "%s (hitcnt=%llu) %s0x%08x \n", str_text(&out),
                   (unsigned long long)query_acl_hits(c->control, name, line),
                   a->inactive ? "(inactive) " : "", hash(str_text(&out)));
    const struct intent_acl *acl = has_objects(a) ? intent_list(c, name) : NULL;
    if (acl)
        expanded(c, acl, line);
    str_free(&text);
    str_free(&out);
}

static bool is_all(const struct addr_range *r)
{
    struct prefix p;
    return range_to_prefix(r, &p) && p.len == 0;
}

/* `any any` is one element to people, although it is a rule for each family. */
static unsigned elements(const struct intent_acl *acl)
{
    unsigned n = 0;
    uint32_t all = 0;
    for (uint32_t i = 0; acl && i < acl->n; i++) {
        const struct intent_ace *e = &acl->ace[i];
        bool any = is_all(&e->sel.local) && is_all(&e->sel.remote);
        if (any && e->sel.local.lo.family == AF_INET)
            all = e->line;
        n += !any || e->sel.local.lo.family == AF_INET || all != e->line;
    }
    return n;
}

static void one_list(struct cmd *c, const struct cfg_node *n)
{
    const char *name = CFG_ARGS(n, acl)->name;
    const struct intent_acl *acl = intent_list(c, name);
    uint32_t line = 0;
    cmd_printf(c, "access-list %s; %u elements; name hash: 0x%08x\n", name, elements(acl),
               hash(name));
    cfg_each(n, E_ACE, e) one_rule(c, name, e, ++line);
}

int show_access_list(struct cmd *c, const struct a_show_access_list *a)
{
    if (a->has_name) {
        const struct cfg_node *n = cfg_find_word(c->tree->root, E_ACL, a->name);
        if (!n) {
            cmd_printf(c, "ERROR: access-list <%s> does not exist\n", a->name);
            return CMD_REFUSED;
        }
        one_list(c, n);
        return CMD_OK;
    }
    cmd_puts(c, "access-list cached ACL log flows: total 0, denied 0 (deny-flow-max 4096)\n"
                "            alert-interval 300\n");
    cfg_each(c->tree->root, E_ACL, n) one_list(c, n);
    return CMD_OK;
}
