/*
 * The paths between two boxes: every packet goes by all of them, and of what arrives the first copy
 * counts. Which ones work is told by what arrives. Pure: the caller brings the time.
 *
 * A packet that is sent again may be byte for byte the one before, and has to get through. So a
 * copy is what is the same as a packet that came by another path a moment ago; a moment is shorter
 * than the shortest time after which SCTP sends something again.
 */
#ifndef TANDEM_CONTROL_SSO_PATHS_H
#define TANDEM_CONTROL_SSO_PATHS_H

#include "control/sso/sso.h"

#define PATHS_REMEMBERED 1024 /* packets */

struct paths {
    struct sso_path path[SSO_ADDRS];
    usec_t heard[SSO_ADDRS];
    uint8_t n;
    usec_t moment; /* within which the same packet by another path is a copy */
    usec_t limit;  /* a path from which nothing comes for so long is down */
    struct {
        uint64_t hash;
        usec_t at;
        uint8_t path;
        bool used;
    } last[PATHS_REMEMBERED]; /* by hash */
};

void paths_init(struct paths *p, const struct sso_cfg *cfg);
/* A packet came by a path that there is. True: it is the first of its copies. */
bool paths_first(struct paths *p, unsigned path, const uint8_t *b, size_t n, usec_t now);
/* Looks which paths are silent. To be called now and then. */
void paths_watch(struct paths *p, usec_t now);

#endif
