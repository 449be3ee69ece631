#pragma once
// First, so that the C library's feature macros are the same as in Swift's Glibc module.
#include <features.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/tls1.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// OPENSSL_free is a macro that names file and line.
static inline void sluice_openssl_free(void *memory) {
  OPENSSL_free(memory);
}

// Whether an error only says that no further PEM block begins; what tells its parts apart is made of macros and casts.
static inline int sluice_is_end_of_pem(unsigned long error) {
  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

// Every live SSL_OP bit is a cast in a macro. What both sides refuse: compression (CRIME), and a second handshake over
// the first (TLS 1.2), which only costs.
static const uint64_t sluice_ssl_op_both = SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION;
// What a server adds: its own order of ciphers, but ChaCha20 first for a client without AES instructions. A client that
// just closes its socket has ended, as most do; its requests say themselves where they end.
static const uint64_t sluice_ssl_op_server =
    SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA | SSL_OP_IGNORE_UNEXPECTED_EOF;
static const uint64_t sluice_ssl_op_no_ticket = SSL_OP_NO_TICKET;

// These are macros around SSL_CTX_ctrl and SSL_ctrl.
static inline long sluice_ssl_ctx_set_mode(SSL_CTX *settings, long mode) {
  return SSL_CTX_set_mode(settings, mode);
}

static inline int sluice_ssl_ctx_set_min_version(SSL_CTX *settings, int version) {
  return (int)SSL_CTX_set_min_proto_version(settings, version);
}

static inline int sluice_ssl_ctx_set_groups(SSL_CTX *settings, const char *names) {
  return (int)SSL_CTX_set1_groups_list(settings, (char *)names);
}

static inline long sluice_ssl_ctx_disable_session_cache(SSL_CTX *settings) {
  return SSL_CTX_set_session_cache_mode(settings, SSL_SESS_CACHE_OFF);
}

static inline int sluice_ssl_set_server_name(SSL *connection, const char *name) {
  return (int)SSL_set_tlsext_host_name(connection, name);
}

// Stacks are made of macros.
static inline STACK_OF(X509) *sluice_chain_new(void) {
  return sk_X509_new_null();
}

static inline int sluice_chain_push(STACK_OF(X509) *chain, X509 *certificate) {
  return sk_X509_push(chain, certificate);
}

static inline void sluice_chain_free(STACK_OF(X509) *chain) {
  sk_X509_pop_free(chain, X509_free);
}

// OPENSSL_malloc and OPENSSL_clear_free name file and line.
static inline void *sluice_openssl_malloc(size_t count) {
  return OPENSSL_malloc(count);
}

static inline void sluice_openssl_clear_free(void *memory, size_t count) {
  OPENSSL_clear_free(memory, count);
}
