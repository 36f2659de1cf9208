/* The loop's priority. See urgent.h. */
#include "control/urgent.h"
#include "control/priv.h"
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define BUDGET (USEC_PER_SEC / 10) /* of computing without a wait */
#define PAUSE  USEC_PER_SEC

/* The kernel gives the signal to the first thread, whose priority it is; the other one that has
 * such a priority (control/hsrp/pacer.c) never computes for so long. */
static void on_budget(int sig)
{
    const struct sched_param none = {0};
    int err = errno;
    (void)sig;
    sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
    errno = err;
}

static void on_answer(void *ctx, int err)
{
    struct control *c = (struct control *)ctx;
    if (c->closing)
        return;
    if (err)
        log_line(c->o.log, LOGL_INFO, "control",
                 "commands and peers wait where the machine has too much to do: %s",
                 strerror(-err));
    else
        timer_set(&c->timers, &c->urgent, clock_mono(&c->o.clock) + PAUSE);
}

static void ask(struct control *c)
{
    struct lr_urgent r = {.tid = gettid()};
    struct rlimit limit;
    /* With each signal the kernel raises the limit by a second. */
    if (getrlimit(RLIMIT_RTTIME, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max < BUDGET ? limit.rlim_max : BUDGET;
    if (setrlimit(RLIMIT_RTTIME, &limit) == 0)
        launch_call(&c->launch, LR_URGENT, &r, sizeof(r), -1, on_answer, c);
}

static void on_look(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    if ((sched_getscheduler(0) & ~SCHED_RESET_ON_FORK) == SCHED_OTHER)
        ask(c);
    else
        timer_set(&c->timers, t, clock_mono(&c->o.clock) + PAUSE);
}

void urgent_begin(struct control *c)
{
    struct sigaction act = {.sa_handler = on_budget, .sa_flags = SA_RESTART};
    sigemptyset(&act.sa_mask);
    timer_init(&c->urgent, on_look, c);
    if (sigaction(SIGXCPU, &act, NULL) == 0)
        ask(c);
}

void urgent_end(struct control *c)
{
    timer_cancel(&c->timers, &c->urgent);
}
