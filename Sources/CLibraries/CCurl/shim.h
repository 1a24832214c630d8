#ifndef NEURONFS_CCURL_SHIM_H
#define NEURONFS_CCURL_SHIM_H
#include <curl/curl.h>
#include <netdb.h>
#include <sys/socket.h>

/* curl_easy_setopt/getinfo and curl_multi_setopt are C variadics inside type-checking macros, and Swift imports
   neither. Each wrapper is named after its argument type. */
static inline CURLcode shim_easy_set_long(CURL *h, CURLoption o, long v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode shim_easy_set_string(CURL *h, CURLoption o, const char *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode shim_easy_set_pointer(CURL *h, CURLoption o, void *v) { return curl_easy_setopt(h, o, v); }
static inline CURLcode shim_easy_set_slist(CURL *h, CURLoption o, struct curl_slist *v) { return curl_easy_setopt(h, o, v); }
/* CURLOPT_WRITEFUNCTION and CURLOPT_HEADERFUNCTION have this one type. */
typedef size_t (*shim_write_callback)(char *data, size_t size, size_t count, void *context);
static inline CURLcode shim_easy_set_write(CURL *h, CURLoption o, shim_write_callback f) { return curl_easy_setopt(h, o, f); }
static inline CURLcode shim_easy_set_open_socket(CURL *h, curl_opensocket_callback f) { return curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, f); }
static inline CURLcode shim_easy_set_before_request(CURL *h, curl_prereq_callback f) { return curl_easy_setopt(h, CURLOPT_PREREQFUNCTION, f); }
/* The address in `from` as text. Swift cannot read it, because `addr` is a struct sockaddr that is longer than its
   type. */
static inline int shim_address_text(const struct curl_sockaddr *from, char *text, socklen_t size)
{
    return getnameinfo(&from->addr, from->addrlen, text, size, NULL, 0, NI_NUMERICHOST);
}
static inline CURLcode shim_easy_get_long(CURL *h, CURLINFO i, long *v) { return curl_easy_getinfo(h, i, v); }
static inline CURLcode shim_easy_get_string(CURL *h, CURLINFO i, const char **v) { return curl_easy_getinfo(h, i, (char **)v); }
static inline CURLcode shim_easy_get_pointer(CURL *h, CURLINFO i, void **v) { return curl_easy_getinfo(h, i, (char **)v); }
static inline CURLMcode shim_multi_set_long(CURLM *m, CURLMoption o, long v) { return curl_multi_setopt(m, o, v); }
/* Swift does not import CURL_GLOBAL_ALL, which is a macro of other macros. */
static inline CURLcode shim_global_init(void) { return curl_global_init(CURL_GLOBAL_ALL); }
#endif
