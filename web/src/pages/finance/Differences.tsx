import { useMutation } from '@tanstack/react-query';
import { Alert, Button, Empty, Table } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';

import type { Schemas } from '../../api/client';
import { api, told } from '../../api/client';
import { may, queries, useWho } from '../../app/session';
import { said } from '../../i18n';
import { formatFen, formatTime } from '../../lib/format';
import type { Sheet } from '.';

type Difference = Schemas['DifferenceShape'];

/** Every order that stands on one list only or with another sum: why, where that is recorded, and what mends it. */
export function Differences({ sheet }: { sheet: Sheet }) {
  const { t } = useTranslation();
  const who = useWho();
  const [mended, setMended] = useState<string | null>(null);
  const mend = useMutation({
    mutationFn: (order: string) =>
      told(api.POST('/api/v1/reconciliation/repairs', { body: { day: sheet.day, order } })),
    onSuccess: async (_, order) => {
      setMended(order);
      await queries.invalidateQueries({ queryKey: ['reconciliation'] });
    },
  });
  const mayMend = (may(who, 'operate') || may(who, 'finance')) && !who?.shops.length;
  const words = Object.fromEntries(sheet.steps.map((step) => [step.cause, said(step.title, step.title_zh)]));
  return (
    <section aria-label={t('finance.differences')}>
      <h2 className="section-title">{t('finance.differences')}</h2>
      {mend.error && <Alert type="error" showIcon title={t('app.failed', { reason: mend.error.message })} />}
      {mended && <Alert type="success" showIcon title={t('finance.mended', { order: mended })} />}
      <Table<Difference>
        size="small"
        rowKey={(each) => `${each.cause} ${each.order} ${each.name} ${each.theirs_fen}`}
        dataSource={sheet.differences}
        pagination={{ pageSize: 50, hideOnSinglePage: true }}
        locale={{ emptyText: <Empty description={t('finance.none')} /> }}
        expandable={{
          expandedRowRender: (each) => <Evidence of={each} />,
          rowExpandable: (each) => each.evidence.length > 0,
        }}
        columns={[
          {
            title: t('finance.order'),
            render: (_, each) =>
              each.order ? (
                <Link className="mono" to={`/orders/${each.order}`}>
                  {each.order}
                </Link>
              ) : (
                <span className="mono">{each.name}</span>
              ),
          },
          { title: t('finance.cause'), render: (_, each) => words[each.cause] },
          { title: t('finance.ours'), align: 'right', render: (_, each) => sum(each.ours_fen) },
          { title: t('finance.theirs'), align: 'right', render: (_, each) => sum(each.theirs_fen) },
          { title: t('finance.why'), render: (_, each) => said(each.why, each.why_zh) },
          {
            title: t('finance.mend'),
            render: (_, each) =>
              each.mends &&
              mayMend && (
                <Button
                  size="small"
                  aria-label={t('finance.tellAgainOf', { order: each.order })}
                  loading={mend.isPending && mend.variables === each.order}
                  onClick={() => mend.mutate(each.order)}
                >
                  {t('finance.tellAgain')}
                </Button>
              ),
          },
        ]}
      />
    </section>
  );
}

function Evidence({ of }: { of: Difference }) {
  return (
    <ul className="mono" style={{ margin: 0 }}>
      {of.evidence.map((at) => (
        <li key={`${at.slot}.${at.epoch}.${at.seq}`}>
          {`${at.slot}.${at.epoch}.${at.seq} ${at.fact} ${formatTime(at.at)}`}
        </li>
      ))}
    </ul>
  );
}

function sum(fen: number | null): string {
  return fen === null ? '–' : formatFen(fen);
}
