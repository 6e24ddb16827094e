import { Empty, Table } from 'antd';
import { useTranslation } from 'react-i18next';

import type { Schemas } from '../../api/client';
import { formatTime } from '../../lib/format';

type Scan = Schemas['ScanShape'];

/** The scans there were, the latest first. */
export function Scans({ scans }: { scans: readonly Scan[] }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('health.scans')}>
      <h2 className="section-title">{t('health.scans')}</h2>
      <Table<Scan>
        size="small"
        rowKey="no"
        dataSource={scans}
        pagination={scans.length > 10 ? { pageSize: 10, showSizeChanger: false } : false}
        locale={{ emptyText: <Empty description={t('health.never')} /> }}
        columns={[
          { title: t('health.no'), dataIndex: 'no', align: 'right' },
          { title: t('health.at'), render: (_, scan) => formatTime(scan.at) },
          { title: t('health.by'), dataIndex: 'by' },
          { title: t('health.critical'), dataIndex: 'critical', align: 'right' },
          { title: t('health.warning'), dataIndex: 'warning', align: 'right' },
          { title: t('health.unknown'), dataIndex: 'unknown', align: 'right' },
          { title: t('health.fine'), dataIndex: 'fine', align: 'right' },
        ]}
      />
    </section>
  );
}
