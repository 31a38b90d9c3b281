/* A load generator for one HTTP server on the loopback address: keep-alive connections, one request in flight on each,
 * requests taken in order from a file of ready-made ones, each sent once.
 *
 *     load FILE PORT CONNECTIONS WARM_UP_SECONDS SECONDS [BEGINNING]
 *
 * FILE holds records: a 4-byte length (host order), then that many bytes. It stops when the time is over or the file is
 * used up, waits DRAIN_SECONDS for answers under way, and prints one line of JSON: the rate counts the answers that came
 * between warm-up and end, the latencies are those of all requests sent in that time. An answer is right when its status
 * is 200 and its body begins with BEGINNING ("<xml"), or, where that is '', when it is 303, too: a form was taken.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ROOM = 65536, EVENTS = 512, MOST_BROKEN = 2000, DRAIN_SECONDS = 10, RAMP = 2 };

typedef struct {
    int fd, connected, busy;
    const char *request;
    uint32_t length, written, have;
    int64_t started;
    char answer[ROOM + 1];
} Connection;

typedef struct { int complete, status, right, closes; } Answer;

static struct sockaddr_in server = {.sin_family = AF_INET};
static const char *next_request, *end_of_requests;
static const char *beginning = "<xml";
static int poller, in_flight, connecting;
static long sent, answered, right, not_200, empty_or_wrong, broken, reconnects, timely, measured;
static int64_t measure_from, last_answer;
static uint32_t *latencies; /* microseconds, one per measured answer */

static int64_t nanoseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void dial(Connection *c) {
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (c->fd < 0) fail("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) fail("connect");
    c->connected = c->busy = 0;
    connecting++;
    struct epoll_event e = {.events = EPOLLOUT, .data.ptr = c};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, c->fd, &e) < 0) fail("epoll_ctl");
}

static void watch(Connection *c, uint32_t events) {
    struct epoll_event e = {.events = events, .data.ptr = c};
    epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &e);
}

static void redial(Connection *c) {
    close(c->fd);
    if (!c->connected) connecting--;
    if (c->busy) { broken++; in_flight--; } else reconnects++;
    if (broken + reconnects > 100L * MOST_BROKEN || broken > MOST_BROKEN) {
        fprintf(stderr, "load: the server keeps closing connections\n");
        exit(3);
    }
    dial(c);
}

static void write_rest(Connection *c) {
    ssize_t n = send(c->fd, c->request + c->written, c->length - c->written, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN) { redial(c); return; }
    if (n > 0) c->written += n;
    if (c->written < c->length) watch(c, EPOLLIN | EPOLLOUT);
}

/* Sends the next request of the file, or leaves the connection idle when there is none. */
static void ask(Connection *c, int64_t now, int64_t until) {
    if (now >= until || next_request >= end_of_requests) return;
    memcpy(&c->length, next_request, 4);
    c->request = next_request + 4;
    next_request += 4 + c->length;
    c->written = c->have = 0;
    c->started = now;
    c->busy = 1;
    in_flight++;
    sent++;
    write_rest(c);
}

/* Reads what has arrived as an HTTP/1.1 answer; complete is 0 while more must come. */
static Answer judged(Connection *c) {
    Answer a = {0};
    c->answer[c->have] = 0;
    char *blank = memmem(c->answer, c->have, "\r\n\r\n", 4);
    if (!blank) return a;
    long length = -1;
    int chunked = 0;
    a.status = atoi(c->answer + 9);
    for (char *line = strstr(c->answer, "\r\n") + 2; line < blank; line = strstr(line, "\r\n") + 2) {
        if (!strncasecmp(line, "content-length:", 15)) length = atol(line + 15);
        else if (!strncasecmp(line, "transfer-encoding: chunked", 26)) chunked = 1;
        else if (!strncasecmp(line, "connection: close", 17)) a.closes = 1;
    }
    const char *body = blank + 4, *end = c->answer + c->have;
    if (chunked) {
        a.complete = end - body >= 5 && !memcmp(end - 5, "0\r\n\r\n", 5);
        const char *first = strstr(body, "\r\n");
        body = first ? first + 2 : end;
    } else if (length >= 0) a.complete = end - body >= length;
    while (body < end && (*body == '\n' || *body == '\r' || *body == ' ')) body++;
    a.right = !strncmp(body, beginning, strlen(beginning));
    return a;
}

static void settle(Connection *c, Answer a, int64_t until) {
    int64_t now = nanoseconds();
    answered++;
    in_flight--;
    c->busy = 0;
    if (a.status != 200 && (a.status != 303 || *beginning)) not_200++;
    else if (!a.right) empty_or_wrong++;
    else right++;
    if (now >= measure_from && now <= until) { timely++; last_answer = now; }
    if (c->started >= measure_from) latencies[measured++] = (now - c->started) / 1000; /* also when it came late */
    if (a.closes) redial(c);
    else ask(c, now, until);
}

static void on_event(Connection *c, uint32_t events, int64_t until) {
    if (!c->connected) {
        if (events & (EPOLLERR | EPOLLHUP)) { c->busy = 0; usleep(1000); redial(c); return; }
        c->connected = 1;
        connecting--;
        watch(c, EPOLLIN);
        ask(c, nanoseconds(), until);
        return;
    }
    if (events & EPOLLOUT) {
        write_rest(c);
        if (!c->connected) return; /* it broke and was dialled anew */
        if (c->busy && c->written == c->length) watch(c, EPOLLIN);
    }
    if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
    ssize_t n = recv(c->fd, c->answer + c->have, ROOM - c->have, 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) { redial(c); return; }
    c->have += n;
    if (!c->busy) return; /* an answer nobody asked for */
    int on = 1;
    Answer a = judged(c);
    if (a.complete) settle(c, a, until);
    else if (c->have == ROOM) { errno = EMSGSIZE; fail("answer"); }
    else setsockopt(c->fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on); /* or head and body in two parts cost 40 ms */
}

static int by_size(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static double at(double share) {
    return measured ? latencies[(long)(share * (measured - 1))] / 1000.0 : 0;
}

static void report(int64_t until) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    int used_up = next_request >= end_of_requests;
    double seconds = ((used_up ? last_answer : until) - measure_from) / 1e9;
    qsort(latencies, measured, sizeof *latencies, by_size);
    printf("{\"sent\": %ld, \"answered\": %ld, \"right\": %ld, \"not_200\": %ld, \"empty_or_wrong\": %ld, \"broken\": %ld, "
           "\"unanswered\": %d, \"reconnects\": %ld, \"measured\": %ld, \"seconds\": %.3f, \"rate\": %.1f, "
           "\"p50_ms\": %.3f, \"p90_ms\": %.3f, \"p99_ms\": %.3f, \"max_ms\": %.3f, \"used_up\": %s, \"cpu_s\": %.3f}\n",
           sent, answered, right, not_200, empty_or_wrong, broken, in_flight, reconnects, measured, seconds,
           seconds > 0 ? timely / seconds : 0, at(0.50), at(0.90), at(0.99), at(1), used_up ? "true" : "false", cpu);
}

static void open_requests(const char *path) {
    struct stat about;
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &about) < 0) fail(path);
    next_request = mmap(NULL, about.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (next_request == MAP_FAILED) fail("mmap");
    end_of_requests = next_request + about.st_size;
    long count = 0;
    uint32_t length;
    for (const char *p = next_request; p < end_of_requests; p += 4 + length, count++) memcpy(&length, p, 4);
    latencies = malloc((count + 1) * sizeof *latencies);
    if (!latencies) fail("malloc");
}

int main(int argc, char **argv) {
    if (argc == 7) beginning = argv[6];
    if (argc != 6 && argc != 7) { fprintf(stderr, "usage: load FILE PORT CONNECTIONS WARM_UP_SECONDS SECONDS [BEGINNING]\n"); return 2; }
    int connections = atoi(argv[3]), dialled = 0;
    server.sin_port = htons(atoi(argv[2]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    open_requests(argv[1]);
    Connection *all = calloc(connections, sizeof *all);
    if (!all || (poller = epoll_create1(0)) < 0) fail("set-up");
    last_answer = measure_from = nanoseconds() + atof(argv[4]) * 1e9;
    int64_t until = measure_from + atof(argv[5]) * 1e9, drained = until + DRAIN_SECONDS * 1000000000LL, now;
    struct epoll_event events[EVENTS];
    while ((now = nanoseconds()) < drained) {
        while (dialled < connections && connecting < RAMP && now < until) dial(&all[dialled++]);
        int over = now >= until || next_request >= end_of_requests;
        if (over && !in_flight) break;
        int n = epoll_wait(poller, events, EVENTS, 100);
        for (int i = 0; i < n; i++) on_event(events[i].data.ptr, events[i].events, until);
    }
    report(until);
    return 0;
}
