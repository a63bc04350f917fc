#include "ledger/script_replies.h"

#include "tollgate/ledger/ledger.h"

namespace tollgate::ledger {
namespace {

// The scripts' verdicts are numbered from 0.
constexpr uint8_t kClaimVerdicts = 7;
constexpr uint8_t kElsewhere = static_cast<uint8_t>(ClaimVerdict::kElsewhere);
constexpr uint8_t kSigns = 3;
constexpr size_t kSignAt = 14;
constexpr uint8_t kRecordVerdicts = 4;
constexpr size_t kClaimProcessorAt = 3;  // behind verdict and attempt
constexpr size_t kRecordProcessorAt = 1;

uint8_t ByteAt(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

bool IsProcessor(uint8_t code, size_t names) {
  return code >= payments::kNoProcessor || code < names;
}

}  // namespace

bool AreClaimReplies(std::string_view replies, size_t entries, size_t names) {
  for (size_t i = 0; i < entries; ++i) {
    if (replies.empty()) return false;
    if (ByteAt(replies, 0) == kAsAsked) {
      replies.remove_prefix(1);
      continue;
    }
    if (replies.size() < kClaimReplyBytes || ByteAt(replies, 0) >= kClaimVerdicts ||
        !IsProcessor(ByteAt(replies, kClaimProcessorAt), names)) {
      return false;
    }
    size_t size = kClaimReplyBytes;
    if (ByteAt(replies, 0) == kElsewhere) {
      size = kElsewhereReplyBytes;
      if (replies.size() < size || ByteAt(replies, kSignAt) >= kSigns) return false;
    }
    replies.remove_prefix(size);
  }
  return replies.empty();
}

bool AreRecordReplies(std::string_view replies, size_t entries, size_t names) {
  if (replies.size() != entries * kRecordReplyBytes) return false;
  for (; !replies.empty(); replies.remove_prefix(kRecordReplyBytes)) {
    if (ByteAt(replies, 0) >= kRecordVerdicts ||
        !IsProcessor(ByteAt(replies, kRecordProcessorAt), names)) {
      return false;
    }
  }
  return true;
}

std::string_view LedgerName(uint8_t code, std::string_view all_names) {
  for (uint8_t i = kUnnamed; i < code; ++i) {
    const size_t end = all_names.find('\n');
    if (end == std::string_view::npos) return {};
    all_names.remove_prefix(end + 1);
  }
  return all_names.substr(0, all_names.find('\n'));
}

}  // namespace tollgate::ledger
