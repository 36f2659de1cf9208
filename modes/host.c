/*
 * Names of hosts, as far as the configuration knows them (ip host). No name server is asked.
 */
#include "modes/derive.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 4343: names differ in more than the size of their letters. */
static bool listed(const struct cfg_node *root, const char *name, struct addr *out)
{
    cfg_each(root, E_IP_HOST, n)
    {
        const struct a_ip_host *a = CFG_ARGS(n, ip_host);
        if (strcasecmp(a->name, name) != 0)
            continue;
        *out = a->addr;
        return true;
    }
    return false;
}

bool host_address(const struct cfg_node *root, const char *name, struct addr *out)
{
    const struct cfg_node *domain = cfg_first(root, E_DOMAIN_NAME_IOS);
    char whole[160];
    if (addr_parse(name, out) == 0 || listed(root, name, out))
        return true;
    if (!domain || strchr(name, '.'))
        return false;
    (void)snprintf(whole, sizeof whole, "%s.%s", name, CFG_ARGS(domain, domain_name_ios)->name);
    return listed(root, whole, out);
}
