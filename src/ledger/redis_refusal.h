// Why a server cannot be used, and what people can do about it.
//
// Thread: pure functions.
#pragma once

#include <hiredis/hiredis.h>

#include <string>
#include <string_view>

namespace tollgate::ledger {

// The problem in an answer to ROLE; empty: the server is a primary.
std::string RoleProblem(const redisReply& role);
// True for an error of the server's present state ("not now"), not of the command.
bool SaysNotNow(std::string_view error);
// What people can do about the reason `why` a server is not used.
std::string Advice(std::string_view why);

}  // namespace tollgate::ledger
