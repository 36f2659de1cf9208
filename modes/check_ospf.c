/* Lines of OSPF: what is refused or said when they are typed. */
#include "modes/internal.h"
#include <string.h>

int ospf_check(struct txn *t, struct cfg_node *n, const struct a_ospf *a, bool negate)
{
    (void)a;
    if (negate || !txn_created(t, n))
        return 0;
    if (cfg_count(t->tree->root, E_OSPF) > 1)
        return txn_refuse(t, "%% Only one OSPF process is supported");
    return 0;
}

int ospf_router_id_check(struct txn *t, struct cfg_node *n, const struct a_ospf_router_id *a,
                         bool negate)
{
    (void)n;
    if (!negate && addr_is_any(&a->id))
        return txn_refuse(t, "%% OSPF: router-id 0.0.0.0 is not allowed");
    return 0;
}

int ospf_redistribute_check(struct txn *t, struct cfg_node *n, const struct a_ospf_redistribute *a,
                            bool negate)
{
    (void)n;
    if (!negate && !a->subnets)
        txn_note(t, "%% Only classful networks will be redistributed");
    return 0;
}

static int area_check(struct txn *t, const struct cfg_node *ospf, uint64_t area, unsigned other)
{
    if (area == 0)
        return txn_refuse(t, "%% OSPF: Backbone can not be configured as stub area");
    cfg_each(ospf, other, n)
    {
        uint64_t number =
            other == E_OSPF_STUB ? CFG_ARGS(n, ospf_stub)->area : CFG_ARGS(n, ospf_nssa)->area;
        if (number == area)
            return txn_refuse(t, "%% OSPF: Area cannot be both NSSA and stub");
    }
    return 0;
}

int ospf_stub_check(struct txn *t, struct cfg_node *n, const struct a_ospf_stub *a, bool negate)
{
    return negate ? 0 : area_check(t, n->parent, a->area, E_OSPF_NSSA);
}

int ospf_nssa_check(struct txn *t, struct cfg_node *n, const struct a_ospf_nssa *a, bool negate)
{
    return negate ? 0 : area_check(t, n->parent, a->area, E_OSPF_STUB);
}

/* --- passive interfaces: a line per exception ----------------------------------------------------
 */

static bool says_something(const struct cfg_node *ospf, const struct a_ospf_passive *a)
{
    return a->active == (cfg_first(ospf, E_OSPF_PASSIVE_DEFAULT) != NULL);
}

int ospf_passive_check(struct txn *t, struct cfg_node *n, const struct a_ospf_passive *a,
                       bool negate)
{
    return negate || says_something(n->parent, a) ? 0 : txn_remove(t, n);
}

int ospf_passive_default_check(struct txn *t, struct cfg_node *n,
                               const struct a_ospf_passive_default *a, bool negate)
{
    const struct cfg_node *next, *p = cfg_first(n->parent, E_OSPF_PASSIVE);
    (void)a;
    (void)negate;
    for (; p; p = next) {
        next = cfg_next(p);
        if (!says_something(n->parent, CFG_ARGS(p, ospf_passive)) &&
            txn_remove(t, txn_node(t, p)) != 0)
            return -1;
    }
    return 0;
}
