// The Lua scripts of src/ledger/lua, embedded at build time (cmake/embed_lua.cmake).
//
// Thread: constants.
#pragma once

#include <string_view>

namespace tollgate::ledger::lua {

extern const std::string_view kAcceptLoss;
extern const std::string_view kClaim;
extern const std::string_view kScanClaims;
extern const std::string_view kComplete;
extern const std::string_view kFind;
extern const std::string_view kHello;
extern const std::string_view kLeaseAcquire;
extern const std::string_view kLeasePublish;
extern const std::string_view kLeaseRelease;
extern const std::string_view kMend;
extern const std::string_view kOwner;
extern const std::string_view kPurge;
extern const std::string_view kRecord;
extern const std::string_view kSilent;
extern const std::string_view kSums;
extern const std::string_view kSweep;

}  // namespace tollgate::ledger::lua
