/*
 * show crypto ikev2 proposal and policy of IOS: what is offered, and to whom; what nobody has
 * configured among it.
 */
#include "lib/str.h"
#include "modes/derive.h"
#include "modes/internal.h"
#include <string.h>

#define DEFAULT "default"

static const char *group_name(uint16_t id)
{
    static const struct {
        uint16_t id;
        const char *name;
    } names[] = {
        {DH_768, "768_MODP/Group 1"},    {DH_1024, "1024_MODP/Group 2"},
        {DH_1536, "1536_MODP/Group 5"},  {DH_2048, "2048_MODP/Group 14"},
        {DH_3072, "3072_MODP/Group 15"}, {DH_4096, "4096_MODP/Group 16"},
        {DH_ECP256, "256_ECP/Group 19"}, {DH_ECP384, "384_ECP/Group 20"},
        {DH_ECP521, "521_ECP/Group 21"}, {DH_2048_256, "2048_256_MODP/Group 24"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].id == id)
            return names[i].name;
    return "UNKNOWN";
}

static void hashes(struct str *out, const char *label, uint8_t type, const uint16_t *v, uint8_t n)
{
    str_add(out, label);
    for (unsigned i = 0; i < n; i++) {
        const struct transform *t = transform_find(type, v[i], 0);
        str_printf(out, " %s", t ? t->ike : "Unknown");
    }
    str_add(out, n ? "\n" : " none\n");
}

static void one_proposal(struct cmd *c, const char *name)
{
    struct ike_policy p;
    struct str out = {0};
    (void)derive_ios2_proposal(c->tree->root, name, &p); /* shown though it be incomplete */
    str_printf(&out, " IKEv2 proposal: %s \n     Encryption :", name);
    for (unsigned i = 0; i < p.n_encr; i++) {
        const struct transform *t = transform_find(T_ENCR, p.encr[i].id, p.encr[i].keybits);
        str_printf(&out, " %s", t ? t->ike : "Unknown");
        if (p.encr[i].keybits)
            str_printf(&out, "-%u", p.encr[i].keybits);
    }
    str_add(&out, p.n_encr ? "\n" : " none\n");
    hashes(&out, "     Integrity  :", T_INTEG, p.integ, p.n_integ);
    hashes(&out, "     PRF        :", T_PRF, p.prf, p.n_prf);
    str_add(&out, "     DH Group   :");
    for (unsigned i = 0; i < p.n_group; i++)
        str_printf(&out, " DH_GROUP_%s", group_name(p.group[i]));
    str_add(&out, p.n_group ? "\n" : " none\n");
    cmd_puts(c, str_text(&out));
    str_free(&out);
}

static bool meant(bool has_name, const char *name, const char *this)
{
    return !has_name || strcmp(name, this) == 0;
}

int show_ikev2_proposal(struct cmd *c, const struct a_show_ikev2_proposal *a)
{
    const struct cfg_node *root = c->tree->root;
    cfg_each(root, E_IOS2_PROPOSAL, n)
    {
        if (meant(a->has_name, a->name, CFG_ARGS(n, ios2_proposal)->name))
            one_proposal(c, CFG_ARGS(n, ios2_proposal)->name);
    }
    if (meant(a->has_name, a->name, DEFAULT) && !cfg_find_word(root, E_IOS2_PROPOSAL, DEFAULT))
        one_proposal(c, DEFAULT);
    return CMD_OK;
}

static void one_policy(struct cmd *c, const struct cfg_node *n)
{
    char text[ADDR_STRLEN];
    const struct cfg_node *f = cfg_first(n, E_IOS2_POLICY_FVRF);
    bool any = !f || CFG_ARGS(f, ios2_policy_fvrf)->any;
    cmd_printf(c, " IKEv2 policy : %s\n      Match fvrf : %s\n", CFG_ARGS(n, ios2_policy)->name,
               !f    ? "global"
               : any ? "any"
                     : CFG_ARGS(f, ios2_policy_fvrf)->vrf);
    cfg_each(n, E_IOS2_POLICY_LOCAL, l)
    {
        cmd_printf(c, "      Match address local : %s\n",
                   addr_print(&CFG_ARGS(l, ios2_policy_local)->addr, text, sizeof text));
    }
    if (!cfg_first(n, E_IOS2_POLICY_LOCAL))
        cmd_puts(c, "      Match address local : any\n");
    cfg_each(n, E_IOS2_POLICY_PROPOSAL, l)
    {
        cmd_printf(c, "      Proposal    : %s\n", CFG_ARGS(l, ios2_policy_proposal)->proposal);
    }
    if (!cfg_first(n, E_IOS2_POLICY_PROPOSAL))
        cmd_puts(c, "      Proposal    : none (the policy is incomplete)\n");
}

int show_ikev2_policy(struct cmd *c, const struct a_show_ikev2_policy *a)
{
    const struct cfg_node *root = c->tree->root;
    cfg_each(root, E_IOS2_POLICY, n)
    {
        if (meant(a->has_name, a->name, CFG_ARGS(n, ios2_policy)->name))
            one_policy(c, n);
    }
    if (meant(a->has_name, a->name, DEFAULT) && !cfg_find_word(root, E_IOS2_POLICY, DEFAULT))
        cmd_puts(c, " IKEv2 policy : " DEFAULT "\n      Match fvrf : any\n"
                    "      Match address local : any\n      Proposal    : " DEFAULT "\n");
    return CMD_OK;
}
