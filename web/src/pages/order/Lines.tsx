import { Table } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { formatFen } from '../../lib/format';

type Line = Schemas['LineShape'];

export function Lines({ lines }: { lines: readonly Line[] }) {
  const { t } = useTranslation();
  const units = lines.reduce((sum, line) => sum + line.units, 0);
  return (
    <section aria-label={t('order.lines', { count: lines.length, units })}>
      <h2 className="section-title">{t('order.lines', { count: lines.length, units })}</h2>
      <Table<Line>
        size="small"
        rowKey="no"
        dataSource={lines}
        pagination={false}
        columns={[
          {
            title: t('order.sku'),
            render: (_, line) => (
              <>
                <span className="mono">{line.sku}</span> {line.title} {line.gift && t('order.gift')}
              </>
            ),
          },
          { title: t('order.units'), dataIndex: 'units', align: 'right' },
          { title: t('order.amount'), dataIndex: 'amount_fen', align: 'right', render: formatFen },
          { title: t('order.where'), render: (_, line) => <Stages at={line.units_at} /> },
          { title: t('order.warehouse'), dataIndex: 'warehouse' },
        ]}
      />
    </section>
  );
}

function Stages({ at }: { at: Record<string, number> }) {
  const { t } = useTranslation();
  return Object.entries(at)
    .map(([stage, units]) => `${t(`order.stage.${stage}` as 'order.stage.waiting')} ${units}`)
    .join(', ');
}
