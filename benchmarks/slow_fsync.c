/* Makes every fsync and fdatasync of a process take SLOW_FSYNC_US microseconds more, as on a slow disk.
 *
 *   cc -shared -fPIC -O2 -o slow_fsync.so slow_fsync.c -ldl
 *   LD_PRELOAD=./slow_fsync.so SLOW_FSYNC_US=5000 postgres ...
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

static void wait_more(void)
{
    const char *given = getenv("SLOW_FSYNC_US");
    long us = given ? atol(given) : 0;
    struct timespec left = { us / 1000000, (us % 1000000) * 1000 };

    /* Goes on after a signal, of which PostgreSQL sends many. */
    while (us > 0 && nanosleep(&left, &left) != 0)
        ;
}

static int slowly(const char *name, int fd)
{
    int (*real)(int) = (int (*)(int)) dlsym(RTLD_NEXT, name);
    int answer = real(fd);
    int why = errno;

    wait_more();
    errno = why;
    return answer;
}

int fsync(int fd) { return slowly("fsync", fd); }

int fdatasync(int fd) { return slowly("fdatasync", fd); }
