/* Hellos on time. See pacer.h. */
#include "control/hsrp/pacer.h"
#include <linux/if_packet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct pacer {
    pthread_mutex_t lock; /* everything below */
    pthread_cond_t changed;
    pthread_t thread;
    pid_t tid; /* 0: it does not run yet */
    bool stop;
    int fd, told;
    struct pacer_row row[PACER_ROWS];
    uint64_t sent[PACER_ROWS];
};

static usec_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (usec_t)t.tv_sec * USEC_PER_SEC + t.tv_nsec / 1000;
}

static void transmit(const struct pacer *p, const struct pacer_row *r)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = 0x0008, /* IPv4, in network order */
                             .sll_ifindex = (int)r->ifindex};
    if (p->fd >= 0)
        sendto(p->fd, r->frame, r->n, MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&to,
               sizeof(to));
}

/* Sends what is due. Returns when the next one is, or -1. */
static usec_t work(struct pacer *p)
{
    usec_t t = now(), next = -1;
    bool any = false;
    for (unsigned i = 0; i < PACER_ROWS; i++) {
        struct pacer_row *r = &p->row[i];
        if (!r->every)
            continue;
        if (r->next <= t) {
            transmit(p, r);
            p->sent[i]++;
            any = true;
            r->next += ((t - r->next) / r->every + 1) * r->every;
        }
        if (next < 0 || r->next < next)
            next = r->next;
    }
    uint64_t one = 1;
    if (any && write(p->told, &one, sizeof(one)) < 0)
        return next; /* the counter is full: the loop has been told already */
    return next;
}

static void *run(void *arg)
{
    struct pacer *p = (struct pacer *)arg;
    pthread_mutex_lock(&p->lock);
    p->tid = gettid();
    pthread_cond_signal(&p->changed);
    while (!p->stop) {
        usec_t next = work(p);
        struct timespec until = {.tv_sec = next / USEC_PER_SEC,
                                 .tv_nsec = next % USEC_PER_SEC * 1000};
        if (next < 0)
            pthread_cond_wait(&p->changed, &p->lock);
        else
            pthread_cond_timedwait(&p->changed, &p->lock, &until);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct pacer *pacer_new(int told)
{
    struct pacer *p = (struct pacer *)calloc(1, sizeof(*p));
    pthread_condattr_t attr;
    pthread_mutexattr_t lock;
    if (!p)
        return NULL;
    p->fd = -1;
    p->told = told;
    /* Who holds the lock while the thread wants it has the thread's priority. */
    pthread_mutexattr_init(&lock);
    pthread_mutexattr_setprotocol(&lock, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&p->lock, &lock);
    pthread_mutexattr_destroy(&lock);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&p->thread, NULL, run, p) == 0) {
        pthread_mutex_lock(&p->lock);
        while (!p->tid)
            pthread_cond_wait(&p->changed, &p->lock);
        pthread_mutex_unlock(&p->lock);
        return p;
    }
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

void pacer_free(struct pacer *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void pacer_socket(struct pacer *p, int fd)
{
    pthread_mutex_lock(&p->lock);
    p->fd = fd;
    pthread_mutex_unlock(&p->lock);
}

int pacer_thread(const struct pacer *p)
{
    return p->tid;
}

void pacer_set(struct pacer *p, unsigned row, const struct pacer_row *r)
{
    pthread_mutex_lock(&p->lock);
    struct pacer_row *mine = &p->row[row];
    usec_t t = now(), next = r->next ? r->next : mine->every ? mine->next : t;
    if (!r->next && mine->every && next > t + r->every)
        next = t + r->every; /* they come closer from here on */
    *mine = *r;
    mine->next = next;
    pthread_cond_signal(&p->changed);
    pthread_mutex_unlock(&p->lock);
}

uint64_t pacer_sent(struct pacer *p, unsigned row)
{
    pthread_mutex_lock(&p->lock);
    uint64_t n = p->sent[row];
    p->sent[row] = 0;
    pthread_mutex_unlock(&p->lock);
    return n;
}

usec_t pacer_next(struct pacer *p, unsigned row)
{
    pthread_mutex_lock(&p->lock);
    usec_t next = p->row[row].every ? p->row[row].next : -1;
    pthread_mutex_unlock(&p->lock);
    return next;
}
