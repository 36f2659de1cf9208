/*
 * What IOS shows of keys, profiles, lifetimes and the engine that encrypts.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include "modes/ipsec.h"
#include <stdio.h>
#include <string.h>

/* --- show crypto isakmp key ------------------------------------------------------------------- */

struct keys {
    struct cmd *c;
    const char *keyring; /* until its first line is out */
};

static void one_key(struct keys *k, const char *who, const char *key, bool encrypted)
{
    cmd_printf(k->c, "%-13s%-44s%s\n", k->keyring, who, encrypted ? "(encrypted)" : key);
    k->keyring = "";
}

/* An address, and the mask in brackets where it is not that of a host. */
static const char *of_network(char *buf, size_t cap, const struct addr *a, const struct addr *mask)
{
    char addr[ADDR_STRLEN], m[ADDR_STRLEN];
    addr_print(a, addr, sizeof addr);
    if (mask && addr_mask_to_len(mask) != 32)
        snprintf(buf, cap, "%-15s[%-15s]", addr, addr_print(mask, m, sizeof m));
    else
        snprintf(buf, cap, "%s", addr);
    return buf;
}

static void global_keys(struct keys *k)
{
    char who[2 * ADDR_STRLEN + 4], net[ADDR_STRLEN];
    cfg_each(k->c->tree->root, E_ISAKMP_KEY, n)
    {
        const struct a_isakmp_key *a = CFG_ARGS(n, isakmp_key);
        if (a->has_host)
            one_key(k, a->host, a->key, a->encrypted);
        else if (a->has_net) {
            snprintf(who, sizeof who, "%s/%u", addr_print(&a->net.addr, net, sizeof net),
                     a->net.len);
            one_key(k, who, a->key, a->encrypted);
        } else {
            of_network(who, sizeof who, &a->addr, a->has_mask ? &a->mask : NULL);
            one_key(k, who, a->key, a->encrypted);
        }
    }
}

static void ring_keys(struct keys *k, const struct cfg_node *ring)
{
    char who[2 * ADDR_STRLEN + 4];
    k->keyring = CFG_ARGS(ring, keyring)->keyring;
    cfg_each(ring, E_KEYRING_KEY, n)
    {
        const struct a_keyring_key *a = CFG_ARGS(n, keyring_key);
        const char *name =
            a->has_host ? a->host
                        : of_network(who, sizeof who, &a->addr, a->has_mask ? &a->mask : NULL);
        one_key(k, name, a->key, a->encrypted);
    }
}

int show_isakmp_key(struct cmd *c, const struct a_show_isakmp_key *a)
{
    struct keys k = {c, "default"};
    (void)a;
    cmd_printf(c, "%-13s%-44s%s\n\n", "Keyring", "Hostname/Address", "Preshared Key");
    global_keys(&k);
    cfg_each(c->tree->root, E_KEYRING, n) ring_keys(&k, n);
    return CMD_OK;
}

/* --- show crypto ipsec profile, security-association lifetime -----------------------------------
 */

static void lifetime_line(struct cmd *c, const char *indent, struct derive_life l)
{
    cmd_printf(c, "%sSecurity association lifetime: ", indent);
    if (l.kbytes)
        cmd_printf(c, "%llu kilobytes/", (unsigned long long)l.kbytes);
    cmd_printf(c, "%u seconds\n", l.seconds);
}

static void profile_sets(struct cmd *c, const struct cfg_node *profile)
{
    const struct intent *want = query_intent(c->control);
    cmd_puts(c, "\tTransform sets={ \n");
    cfg_each(profile, E_ENTRY_TRANSFORM, n)
    {
        const char *name = CFG_ARGS(n, entry_transform)->set;
        struct str set = {0};
        for (uint32_t i = 0; want && i < want->n_transform; i++)
            if (strcmp(want->transform[i].name, name) == 0)
                ipsec_set_ios(&set, &want->transform[i]);
        cmd_printf(c, "\t\t%s:  { %s } , \n", name, str_text(&set));
        str_free(&set);
    }
    cmd_puts(c, "\t}\n");
}

static void one_profile(struct cmd *c, const struct cfg_node *n)
{
    const struct cfg_node *v2 = cfg_first(n, E_ENTRY_IKEV2_PROFILE);
    const struct cfg_node *v1 = cfg_first(n, E_ENTRY_ISAKMP_PROFILE);
    const uint16_t pfs = derive_pfs_ios(n);
    cmd_printf(c, "IPSEC profile %s\n", CFG_ARGS(n, ipsec_profile)->profile);
    if (v1)
        cmd_printf(c, "\tISAKMP Profile: %s\n", CFG_ARGS(v1, entry_isakmp_profile)->profile);
    if (v2)
        cmd_printf(c, "\tIKEv2 Profile: %s\n", CFG_ARGS(v2, entry_ikev2_profile)->profile);
    lifetime_line(c, "\t", derive_life_ios(c->tree->root, n));
    cmd_printf(c, "\tResponder-Only (Y/N): %s\n", cfg_first(n, E_PROFILE_RESPONDER) ? "Y" : "N");
    cmd_printf(c, "\tPFS (Y/N): %s\n", pfs ? "Y" : "N");
    if (pfs)
        cmd_printf(c, "\tDH group:  group%u\n", pfs);
    cmd_puts(c, "\tMixed-mode : Disabled\n");
    profile_sets(c, n);
    cmd_puts(c, "\n");
}

int show_ipsec_profile(struct cmd *c, const struct a_show_ipsec_profile *a)
{
    cfg_each(c->tree->root, E_IPSEC_PROFILE,
             n) if (!a->has_name || strcmp(a->name, CFG_ARGS(n, ipsec_profile)->profile) == 0)
        one_profile(c, n);
    return CMD_OK;
}

int show_ipsec_lifetime(struct cmd *c, const struct a_show_ipsec_lifetime *a)
{
    (void)a;
    lifetime_line(c, "", derive_life_ios(c->tree->root, NULL));
    return CMD_OK;
}

/* --- show crypto engine connections active ------------------------------------------------------
 */

/* "AES256+SHA256": without the sizes that a name stands for by itself. */
static const char *algorithms(char *buf, size_t cap, const struct transform *encr,
                              const struct transform *integ)
{
    const char *e = encr ? encr->ike : "";
    int n = snprintf(buf, cap, "%.*s", (int)strcspn(e, "-"), e);
    if (encr && encr->keybits > 128)
        n += snprintf(buf + n, cap - (size_t)n, "%u", encr->keybits);
    if (integ && integ->ike)
        snprintf(buf + n, cap - (size_t)n, "%s%s", n ? "+" : "", integ->ike);
    return buf;
}

static void engine_row(struct cmd *c, uint32_t id, const char *type, const char *alg, bool in,
                       const struct dp_counters *d, const struct addr *local)
{
    char a[ADDR_STRLEN];
    uint64_t n = ipsec_packets(d);
    cmd_printf(c, "%5u  %-6s  %-16s %9llu %8llu %8llu %s\n", id, type, alg, LLU(in ? 0 : n),
               LLU(in ? n : 0), LLU(in && d ? dp_read(&d->seq) : 0),
               addr_print(local, a, sizeof a));
}

static bool engine_ike(void *ctx, const struct ike_sa_state *sa)
{
    char alg[64];
    if (sa->state == IKE_ESTABLISHED)
        engine_row((struct cmd *)ctx, sa->tunnel_id, sa->version == IKE_V1 ? "IKE" : "IKEv2",
                   algorithms(alg, sizeof alg,
                              transform_find(T_ENCR, sa->suite.encr, sa->suite.encr_bits),
                              transform_find(T_PRF, sa->suite.prf, 0)),
                   false, NULL, &sa->path.local);
    return true;
}

static bool engine_children(void *ctx, const struct ike_sa_state *sa)
{
    struct cmd *c = (struct cmd *)ctx;
    char alg[64];
    for (uint32_t i = 0; i < sa->n_children; i++) {
        const struct ike_child_state *k = &sa->child[i];
        algorithms(alg, sizeof alg, transform_find(T_ENCR, k->encr, k->encr_bits),
                   transform_find(T_INTEG, k->integ, 0));
        engine_row(c, ipsec_conn_id(k->sa_in), "IPsec", alg, true,
                   query_counters(c->control, k->slot_in), &sa->path.local);
        engine_row(c, ipsec_conn_id(k->sa_out), "IPsec", alg, false,
                   query_counters(c->control, k->slot_out), &sa->path.local);
    }
    return true;
}

int show_engine(struct cmd *c, const struct a_show_engine *a)
{
    (void)a;
    cmd_puts(c, "Crypto Engine Connections\n\n   ID  Type    Algorithm           Encrypt  Decrypt "
                "LastSeqN IP-Address\n");
    query_ike_sas(c->control, engine_children, c);
    query_ike_sas(c->control, engine_ike, c);
    return CMD_OK;
}
