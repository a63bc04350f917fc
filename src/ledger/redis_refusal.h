// What a server says when it is not one to work with, and what people can do about it.
//
// Thread: pure functions.
#pragma once

#include <hiredis/hiredis.h>

#include <string>
#include <string_view>

namespace tollgate::ledger {

// What the answer to ROLE says against this server; empty: it is a primary.
std::string RoleProblem(const redisReply& role);
// An error that says "not now" of the server rather than "wrong" of the command.
bool SaysNotNow(std::string_view error);
// What people can do about `why` a server is not used.
std::string Advice(std::string_view why);

}  // namespace tollgate::ledger
