import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { useEvents } from '../../lib/useEvents';

export interface Filters {
  shop: string;
  warehouse: string;
  age: Schemas['Age'];
}

type Board = Schemas['Board'];
type Counts = Pick<Board, 'as_of' | 'channels' | 'percent_indexed'>;

/** The board under these filters, and whether it is told of changes. */
export function useBoard(filters: Filters) {
  const queries = useQueryClient();
  const key = useMemo(() => ['board', filters], [filters]);
  const found = useQuery({
    queryKey: key,
    queryFn: () => told(api.GET('/api/v1/board', { params: { query: filters } })),
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
  });
  const { refetch } = found;
  const hear = useCallback(
    (event: string, data: string) => {
      const news = event === 'counts' ? (JSON.parse(data) as Counts) : { as_of: data };
      queries.setQueryData<Board>(key, (board) => board && { ...board, ...news });
    },
    [queries, key],
  );
  const lost = useCallback(() => void refetch(), [refetch]);
  const connection = useEvents(`/api/v1/live/board?${new URLSearchParams({ ...filters })}`, hear, lost);
  return { ...found, connection };
}
