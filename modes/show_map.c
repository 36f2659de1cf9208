/*
 * Crypto maps and what they are made of: show crypto map, ipsec transform-set, and the lifetimes.
 */
#include "modes/internal.h"
#include "modes/ipsec.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* All maps: those of the configuration, then those that tunnel interfaces have of their profiles.
 */
static size_t maps(const struct intent *want)
{
    return (size_t)want->n_map + want->n_if;
}

static const struct intent_map *map_at(const struct intent *want, size_t i)
{
    if (i < want->n_map)
        return &want->map[i];
    const struct intent_if *f = &want->ifs[i - want->n_map];
    return f->kind == IF_TUNNEL ? f->map : NULL;
}

/* The peer that each entry uses: of all maps, one after the other. */
struct current_peers {
    const struct intent *want;
    size_t *first; /* of a map */
    struct addr *peer;
};

static bool add_peer(void *ctx, const struct query_identity *q)
{
    struct current_peers *p = (struct current_peers *)ctx;
    if (!q->map || !q->entry || !addr_is_set(&q->current_peer))
        return true;
    size_t at = q->ifp->kind == IF_TUNNEL ? p->want->n_map + (size_t)(q->ifp - p->want->ifs)
                                          : (size_t)(q->map - p->want->map);
    p->peer[p->first[at] + (size_t)(q->entry - q->map->entry)] = q->current_peer;
    return true;
}

static bool current_peers(const struct control *c, const struct intent *want,
                          struct current_peers *p)
{
    size_t n = 0;
    *p = (struct current_peers){.want = want};
    p->first = (size_t *)calloc(maps(want) + 1, sizeof *p->first);
    for (size_t i = 0; p->first && i < maps(want); i++) {
        const struct intent_map *m = map_at(want, i);
        p->first[i] = n;
        n += m ? m->n : 0;
    }
    p->peer = (struct addr *)calloc(n + 1, sizeof *p->peer);
    if (p->first && p->peer)
        query_identities(c, add_peer, p);
    return p->first && p->peer;
}

static void map_acl(struct cmd *c, const struct intent_map_entry *e)
{
    if (!e->acl) {
        cmd_puts(c, "\tNo matching address list set.\n");
        return;
    }
    cmd_printf(c, "\tExtended IP access list %s\n", e->acl->name);
    for (uint32_t i = 0; i < e->acl->n; i++) {
        struct str line = {0};
        render_ace(&line, e->acl->name, &e->acl->ace[i], c->asa);
        cmd_printf(c, "\t    %s\n", str_text(&line));
        str_free(&line);
    }
}

/* The sets of IKEv1 in their order; of IKEv2 the same with `set ikev2-profile`. */
static void map_sets_ios(struct cmd *c, const struct intent_map_entry *e)
{
    uint8_t n;
    uint8_t version = e->n_transform ? IKE_V1 : IKE_V2;
    const struct ike_esp_proposal *const *p = intent_entry_proposals(e, version, &n);
    cmd_puts(c, "\tTransform sets={ \n");
    for (unsigned i = 0; i < n; i++) {
        struct str set = {0};
        ipsec_set_ios(&set, p[i]);
        cmd_printf(c, "\t\t%s:  { %s } , \n", p[i]->name, str_text(&set));
        str_free(&set);
    }
    cmd_puts(c, "\t}\n");
}

static void map_proposals(struct cmd *c, const struct intent_map_entry *e)
{
    cmd_puts(c, "\tIKEv2 proposals={ \n");
    for (unsigned i = 0; i < e->n_proposal; i++) {
        const struct ike_esp_proposal *p = e->proposal[i];
        cmd_printf(c, "\t\t%s:  { ", p->name);
        for (unsigned k = 0; k < p->n_encr; k++) {
            const struct transform *t = transform_find(T_ENCR, p->encr[k].id, p->encr[k].keybits);
            cmd_printf(c, "%s ", t ? t->esp : "?");
        }
        for (unsigned k = 0; k < p->n_integ; k++) {
            const struct transform *t = transform_find(T_INTEG, p->integ[k], 0);
            cmd_printf(c, "%s ", t ? t->esp : "?");
        }
        cmd_puts(c, " } , \n");
    }
    cmd_puts(c, "\t}\n");
}

static void map_interfaces(struct cmd *c, const struct intent *want, const struct intent_map *m)
{
    cmd_printf(c, "\tInterfaces using crypto map %s:\n", m->name);
    for (uint32_t i = 0; i < want->n_if; i++)
        if (want->ifs[i].map == m)
            cmd_printf(c, "\t\t%s\n", if_shown_name(&want->ifs[i], c->asa));
    cmd_puts(c, "\n");
}

/* Nobody has typed it: a tunnel interface's, or what protects stateful failover. */
static bool made_of_profile(const struct intent *want, const struct intent_map *m)
{
    for (uint32_t i = 0; i < want->n_if; i++)
        if (want->ifs[i].map == m)
            return want->ifs[i].kind == IF_TUNNEL || want->ifs[i].kind == IF_PEER;
    return false;
}

static void map_entry(struct cmd *c, const struct intent *want, const struct intent_map *m,
                      const struct intent_map_entry *e, const struct addr *now)
{
    char text[ADDR_STRLEN];
    cmd_printf(c, "Crypto Map %s\"%s\" %u ipsec-isakmp\n", c->asa ? "" : "IPv4 ", m->name, e->seq);
    if (made_of_profile(want, m))
        cmd_puts(c, "\tMap is a PROFILE INSTANCE.\n");
    if (e->dynamic) { /* a template once, by its name */
        cmd_printf(c, "\tDynamic map template tag: %s\n", e->template_name);
        map_interfaces(c, want, m);
        return;
    }
    if (!c->asa && (!e->acl || !e->n_peer))
        cmd_puts(c, "\tWARNING: This crypto map is in an incomplete state!\n"
                    "\t\t(missing peer or access-list definitions)\n");
    else if (c->asa && (!e->acl || !e->n_peer || (!e->n_proposal && !e->n_transform)))
        cmd_puts(c, "\tWARNING: This crypto map is in an incomplete state!\n"
                    "\t\t(missing peer, proposal or access-list definitions)\n");
    for (unsigned i = 0; i < e->n_peer; i++)
        cmd_printf(c, "\tPeer = %s\n", addr_print(&e->peer[i], text, sizeof text));
    map_acl(c, e);
    if (addr_is_set(now))
        cmd_printf(c, "\tCurrent peer: %s\n", addr_print(now, text, sizeof text));
    if (e->life_kbytes)
        cmd_printf(c, "\tSecurity association lifetime: %llu kilobytes/%u seconds\n",
                   (unsigned long long)e->life_kbytes, e->life_seconds);
    else
        cmd_printf(c, "\tSecurity association lifetime: %u seconds\n", e->life_seconds);
    if (!c->asa)
        cmd_printf(c, "\tResponder-Only (Y/N): %c\n", e->connection == CONN_ANSWER ? 'Y' : 'N');
    cmd_printf(c, "\tPFS (Y/N): %s\n", e->pfs_group ? "Y" : "N");
    if (e->pfs_group)
        cmd_printf(c, "\tDH group:  group%u\n", e->pfs_group);
    if (!c->asa)
        map_sets_ios(c, e);
    else if (e->n_proposal)
        map_proposals(c, e);
    if (e->rri.on)
        cmd_puts(c, "\tReverse Route Injection Enabled\n");
    map_interfaces(c, want, m);
}

static bool map_on(const struct intent *want, const struct intent_map *m, const char *ifname,
                   bool asa)
{
    for (uint32_t i = 0; i < want->n_if; i++)
        if (want->ifs[i].map == m && strcasecmp(if_shown_name(&want->ifs[i], asa), ifname) == 0)
            return true;
    return false;
}

int show_crypto_map(struct cmd *c, const struct a_show_crypto_map *a)
{
    const struct intent *want = query_intent(c->control);
    struct current_peers p = {0};
    bool any = false;
    bool good = want && current_peers(c->control, want, &p);
    for (size_t i = 0; good && i < maps(want); i++) {
        const struct intent_map *m = map_at(want, i);
        if (!m || (a->has_name && strcmp(a->name, m->name) != 0) ||
            (a->has_ifname && !map_on(want, m, a->ifname, false)) ||
            (a->has_nameif && !map_on(want, m, a->nameif, true)))
            continue;
        any = true;
        for (uint32_t k = 0; k < m->n; k++)
            if (k == 0 || m->entry[k].seq != m->entry[k - 1].seq)
                map_entry(c, want, m, &m->entry[k], &p.peer[p.first[i] + k]);
    }
    if (!any)
        cmd_puts(c, "No crypto maps found.\n");
    free(p.first);
    free(p.peer);
    return CMD_OK;
}

/* --- show crypto ipsec transform-set, security-association lifetime (IOS)
 * -------------------------
 */

int show_transform_set(struct cmd *c, const struct a_show_transform_set *a)
{
    const struct intent *want = query_intent(c->control);
    for (uint32_t i = 0; want && i < want->n_transform; i++) {
        const struct ike_esp_proposal *p = &want->transform[i];
        struct str set = {0};
        if (a->has_name && strcmp(a->name, p->name) != 0)
            continue;
        ipsec_set_ios(&set, p);
        cmd_printf(c, "Transform set %s: { %s } \n   will negotiate = { %s,  }, \n\n", p->name,
                   str_text(&set), p->mode == SADB_TRANSPORT ? "Transport" : "Tunnel");
        str_free(&set);
    }
    return CMD_OK;
}
