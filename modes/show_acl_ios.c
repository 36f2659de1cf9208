/*
 * show access-lists, show ip access-lists: the rules with their sequence numbers and how often
 * each matched. show object-group: as the configuration has them.
 */
#include "modes/derive.h"
#include "modes/internal.h"
#include <string.h>

#define LLU(n) ((unsigned long long)(n))

/* What the configuration prints, without the name that stands before a numbered list's rule. */
static void extended_rule(struct cmd *c, const char *list, const struct cfg_node *n)
{
    struct str line = {0}, lead = {0};
    print_node(n, false, 0, &line);
    str_printf(&lead, "access-list %s ", list);
    const char *p = str_text(&line);
    p += strncmp(p, str_text(&lead), lead.len) == 0 ? lead.len : strspn(p, " ");
    cmd_printf(c, "%.*s", (int)strcspn(p, "\n"), p);
    str_free(&line);
    str_free(&lead);
}

/* "permit 192.168.1.0 0.0.0.255" is shown as "permit 192.168.1.0, wildcard bits 0.0.0.255". */
static void standard_rule(struct cmd *c, const struct a_ace_std *a)
{
    char addr[ADDR_STRLEN], wild[ADDR_STRLEN];
    cmd_puts(c, a->action == ENUM_ACL_ACTION_PERMIT ? "permit " : "deny   ");
    if (a->any)
        cmd_puts(c, "any");
    else
        cmd_puts(c, addr_print(&a->addr, addr, sizeof addr));
    if (a->has_wild)
        cmd_printf(c, ", wildcard bits %s", addr_print(&a->wild, wild, sizeof wild));
    if (a->log)
        cmd_puts(c, " log");
}

static void hits(struct cmd *c, const char *list, uint32_t line)
{
    uint64_t n = query_acl_hits(c->control, list, line);
    if (n)
        cmd_printf(c, " (%llu match%s)", LLU(n), n == 1 ? "" : "es");
    cmd_puts(c, "\n");
}

static void one_list(struct cmd *c, const struct cfg_node *acl)
{
    char name[INTENT_NAME];
    uint32_t line = 0;
    acl_ios_name(acl, name);
    cmd_printf(c, "%s IP access list %s\n", acl->entry == E_ACL_STD ? "Standard" : "Extended",
               name);
    cfg_each(acl, E_ACE_STD, e)
    {
        const struct a_ace_std *a = CFG_ARGS(e, ace_std);
        line++;
        if (!a->has_action)
            continue;
        cmd_printf(c, "    %llu ", LLU(a->seq));
        standard_rule(c, a);
        hits(c, name, line);
    }
    cfg_each(acl, E_ACE_EXT, e)
    {
        const struct a_ace_ext *a = CFG_ARGS(e, ace_ext);
        line++;
        if (!a->has_action)
            continue;
        cmd_printf(c, "    %llu ", LLU(a->seq));
        extended_rule(c, name, e);
        hits(c, name, line);
    }
}

static bool is_named(const struct cfg_node *acl)
{
    return acl->entry == E_ACL_STD ? CFG_ARGS(acl, acl_std)->has_name
                                   : CFG_ARGS(acl, acl_ext)->has_name;
}

/* Those with numbers come first, as on the platform; its configuration has them last. */
static void all_of(struct cmd *c, uint16_t entry)
{
    cfg_each(c->tree->root, entry, n)
    {
        if (!is_named(n))
            one_list(c, n);
    }
    cfg_each(c->tree->root, entry, n)
    {
        if (is_named(n))
            one_list(c, n);
    }
}

int show_access_lists(struct cmd *c, const struct a_show_access_lists *a)
{
    if (a->has_name) {
        const struct cfg_node *n = acl_ios_find(c->tree, a->name);
        if (n)
            one_list(c, n);
        return CMD_OK;
    }
    all_of(c, E_ACL_STD);
    all_of(c, E_ACL_EXT);
    return CMD_OK;
}

static void one_group(struct cmd *c, const struct cfg_node *n)
{
    struct str text = {0};
    print_node(n, false, 0, &text);
    const char *p = strchr(str_text(&text), '\n');
    cmd_printf(c, "%s object group %s\n%s\n", n->entry == E_GROUP_NET_IOS ? "Network" : "Service",
               n->entry == E_GROUP_NET_IOS ? CFG_ARGS(n, group_net_ios)->name
                                           : CFG_ARGS(n, group_service_ios)->name,
               p ? p + 1 : "");
    str_free(&text);
}

int show_object_group(struct cmd *c, const struct a_show_object_group *a)
{
    static const uint16_t kinds[] = {E_GROUP_NET_IOS, E_GROUP_SERVICE_IOS};
    for (unsigned i = 0; i < 2; i++)
        for (const struct cfg_node *n = cfg_first(c->tree->root, kinds[i]); n; n = cfg_next(n))
            if (!a->has_name || n == cfg_find_word(c->tree->root, kinds[i], a->name))
                one_group(c, n);
    return CMD_OK;
}
