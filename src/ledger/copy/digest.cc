#include <initializer_list>

#include "ledger/copy/image.h"
#include "ledger/spread_id.h"
#include "tollgate/ledger/sum_nodes.h"

namespace tollgate::ledger::copy {
namespace {

uint64_t Unsigned(int64_t value) { return static_cast<uint64_t>(value); }

// Depends on the order of its words.
uint64_t HashOf(std::initializer_list<uint64_t> words) {
  uint64_t hash = 0;
  for (const uint64_t word : words) hash = MixOf(hash ^ word);
  return hash;
}

uint64_t HashOf(const std::string& text) {
  uint64_t hash = text.size();
  for (const char letter : text) hash = MixOf(hash ^ static_cast<unsigned char>(letter));
  return hash;
}

}  // namespace

// Each item is hashed and the hashes are added, so their order does not matter.
Digest DigestOf(const Head& head) {
  Digest digest;
  const file::Header& header = head.header;
  digest.head =
      HashOf({header.books.high, header.books.low, header.epoch, Unsigned(header.purged_ms),
              Unsigned(header.mends), Unsigned(header.lossy_s)});
  for (size_t i = 0; i < header.names->size(); ++i) {
    const std::string& name = (*header.names)[i];
    if (!name.empty()) digest.head += HashOf({1, i, HashOf(name)});
  }
  if (header.present) {
    const file::Shelf& shelf = *header.present;
    digest.head += HashOf(
        {2, Unsigned(shelf.number), shelf.epoch, Unsigned(shelf.began_s), Unsigned(shelf.lasts_s)});
  }
  if (header.older) digest.head += HashOf({3, Unsigned(header.older->began_s)});
  for (const auto& [id, row] : head.tables) {
    digest.tables +=
        HashOf({id.high, id.low, row.incarnation, row.nonce, Unsigned(row.number.value_or(-1)),
                row.gone ? 1U : 0U, Unsigned(row.seen_s)});
  }
  return digest;
}

void AddPending(Digest& digest, const payments::Uuid& id, const file::PendingClaim& claim) {
  ++digest.pending_count;
  digest.pending += HashOf({id.high, id.low, claim.table.high, claim.table.low, claim.slot,
                            claim.generation, claim.attempt, claim.processor, Unsigned(claim.at_ms),
                            Unsigned(claim.cents), claim.epoch, claim.incarnation, claim.identity});
}

void AddSettled(Digest& digest, const payments::Uuid& id, const file::Settled& settled,
                const file::Shelf& shelf) {
  ++digest.settled_count;
  digest.settled += HashOf({id.high, id.low, Unsigned(shelf.number), settled.kind,
                            settled.processor, Unsigned(settled.at_ms), Unsigned(settled.cents)});
}

// Linear in the figures, as a node may come in parts.
void AddSum(Digest& digest, const Sum& sum) {
  const uint64_t key = HashOf({Unsigned(sum.level), Unsigned(sum.node), sum.processor});
  digest.sums += key * Unsigned(sum.count) + MixOf(key) * Unsigned(sum.cents);
  if (sum.level == kSumTop) digest.counted += sum.count;
}

}  // namespace tollgate::ledger::copy
