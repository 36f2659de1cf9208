/*
 * From the tree to the intent: what the configuration wants, as plain data.
 *
 * Derivation is a pure function of the tree. It never fails: what is unfinished or dangling is
 * left out or left inert (an entry whose access list does not exist yet), so that the order of
 * pasting does not matter (design.md §4).
 */
#include "modes/derive.h"
#include "modes/session.h"

void intent_from_tree(const struct cfg_tree *tree, bool asa, struct intent *out)
{
    struct derive d = {.tree = tree, .asa = asa, .out = out};
    *out = (struct intent){0};
    derive_interfaces(&d);
    derive_routes(&d);
    derive_path(&d);
    derive_log(&d);
    derive_sla(&d);
    derive_track(&d);
    derive_hsrp(&d);
    derive_acls(&d);
    derive_retransmit(&d);
    if (!asa) {
        derive_redundancy(&d);
        derive_ospf(&d);
        derive_isakmp(&d);
        derive_keys(&d);
        derive_ios2_limits(&d);
        derive_ios2_policies(&d);
        derive_ios2_peers(&d);
        derive_transforms(&d);
        derive_ios_maps(&d);
        derive_tunnels(&d);
        derive_sso(&d);
        derive_protect(&d);
        return;
    }
    derive_limits(&d);
    derive_proposals(&d);
    derive_policies(&d);
    derive_ikev1(&d);
    derive_maps(&d);
    derive_peers(&d);
}
