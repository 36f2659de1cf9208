/* What must be there before the first child starts. */
#ifndef TANDEM_DAEMON_PREPARE_H
#define TANDEM_DAEMON_PREPARE_H

#include "daemon/launcher.h"
#include "lib/log.h"

struct prepared {
    struct rights rights; /* whom the children become */
    char empty_dir[256];  /* the access process's whole world */
    int state_dir;        /* directory of saved files; -1 = none */
    int lock;             /* this network namespace is ours; -1 = it is not */
    struct lm_box box;    /* what the box is, with what the command line left out */
};

/* Limits, lock, user, directories, serial number. 0, or negative after saying why on the log. */
int prepare(const struct launcher_opts *o, struct log *log, struct prepared *p);
void prepared_free(struct prepared *p);

#endif
