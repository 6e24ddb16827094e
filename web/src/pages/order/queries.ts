import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';

import { api, told } from '../../api/client';

const LOOK_EVERY_MS = 5_000;

const at = (id: string) => ({ params: { path: { id } } });

/** All that is shown of one order. The bands are asked for again and again; the rest when they tell of a new row. */
export function useOrder(id: string) {
  const queries = useQueryClient();
  const bands = useQuery({
    queryKey: ['bands', id],
    queryFn: () => told(api.GET('/api/v1/orders/{id}/bands', at(id))),
    refetchInterval: LOOK_EVERY_MS,
  });
  const order = useQuery({
    queryKey: ['order', id, 'itself'],
    queryFn: () => told(api.GET('/api/v1/orders/{id}', at(id))),
  });
  const timeline = useQuery({
    queryKey: ['order', id, 'timeline'],
    queryFn: () => told(api.GET('/api/v1/orders/{id}/timeline', at(id))),
  });
  const belongings = useQuery({
    queryKey: ['order', id, 'belongings'],
    queryFn: () => told(api.GET('/api/v1/orders/{id}/belongings', at(id))),
  });
  const actions = useQuery({
    queryKey: ['order', id, 'actions'],
    queryFn: () => told(api.GET('/api/v1/orders/{id}/actions', at(id))),
  });
  const rows = bands.data?.rows;
  const seen = useRef<number>(undefined);
  useEffect(() => {
    if (seen.current !== undefined && rows !== seen.current) {
      void queries.invalidateQueries({ queryKey: ['order', id] });
    }
    seen.current = rows;
  }, [queries, id, rows]);
  const refresh = () =>
    Promise.all([
      queries.invalidateQueries({ queryKey: ['bands', id] }),
      queries.invalidateQueries({ queryKey: ['order', id] }),
    ]);
  return { bands, order, timeline, belongings, actions, refresh };
}
