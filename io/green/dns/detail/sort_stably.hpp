#pragma once

#include <green/core/config.hpp>

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

namespace green::detail {

/// std::stable_sort, which clang cannot compile without a warning with some libstdc++.
template <class T, class Less>
void sort_stably(std::vector<T>& items, Less less) {
    std::vector<std::size_t> order(items.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
        if (less(items[x], items[y])) return true;
        return !less(items[y], items[x]) && x < y;
    });
    std::vector<T> sorted;
    sorted.reserve(items.size());
    for (std::size_t const i : order) sorted.push_back(std::move(items[i]));
    items = std::move(sorted);
}

}  // namespace green::detail
